import type { RawCommit, RawEvent } from './raw-log.js';
import { type Succession, signedSuccession } from './signatures.js';

/** Who signs for whom. */
export interface Identities {
  /** The tower's identity that a user registered with. */
  readonly of: (userId: string) => string;
  readonly violations: readonly string[];
}

/** The tower's identities as the log begins them, each by a statement of the one in force and the new one; and every user's. */
export function identitiesIn(
  towerId: string,
  chain: readonly RawCommit[],
  users: ReadonlyMap<string, readonly RawCommit[]>,
): Identities {
  const begun = [towerId];
  const violations: string[] = [];
  for (const { stream, position, events } of chain)
    for (const event of events) {
      if (event.type !== 'IdentityRotated') continue;
      const { from, to, oldSignature, newSignature } = event as RawEvent & Succession;
      const succession = { from, to, oldSignature, newSignature };
      if (from === begun.at(-1) && !begun.includes(to) && signedSuccession(succession)) begun.push(to);
      else violations.push(`${stream} ${position}: ${to} does not succeed ${from}`);
    }
  const served = new Map<string, string>();
  for (const [userId, commits] of users)
    for (const { stream, position, events } of commits)
      for (const { type, identity } of events) {
        if (type !== 'UserRegistered') continue;
        const own = identity === undefined ? towerId : String(identity);
        const where = `${stream} ${position}: user ${userId} is registered by ${own}`;
        if (!begun.includes(own)) violations.push(`${where}, which is no identity of the tower`);
        if ((served.get(userId) ?? own) !== own) violations.push(`${where}, and was by another before`);
        served.set(userId, served.get(userId) ?? own);
      }
  return { of: (userId) => served.get(userId) ?? towerId, violations };
}
