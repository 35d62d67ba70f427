import { z } from 'zod';
import { utf8 } from './bytes.js';
import { TowerId } from './ids.js';
import { signerIs } from './signing/message.js';

/**
 * Which keys a tower has had. A log is called by its first identity; a later one is begun by a statement that both keys sign,
 * so that whoever knows one of the two finds the other without believing the tower.
 */

const Signature = z.string().regex(/^[a-km-uw-z13-9]{104}$/, 'a signature is 104 characters of zbase32');

const statement = {
  /** The identity that was in force. */
  from: TowerId,
  /** The one that newcomers are served by from then on. */
  to: TowerId,
  /** Of `successionMessage`, by `from` and by `to`. */
  oldSignature: Signature,
  newSignature: Signature,
};

/** The statement as clients are given it. */
export const Succession = z.object(statement);
export type Succession = z.infer<typeof Succession>;
/** How many a tower may have; each costs whoever verifies it two signatures. */
export const MOST_SUCCESSIONS = 250;
/** All that a tower has. */
export const Successions = z.array(Succession).max(MOST_SUCCESSIONS);

/** The tower began another identity. Who registered before keeps the one it has. */
export const IdentityRotated = z.strictObject({ type: z.literal('IdentityRotated'), ...statement });
export type IdentityRotated = z.infer<typeof IdentityRotated>;

/** What both keys sign: ASCII, 168 bytes, as long as nothing else that a tower signs. */
export const successionMessage = (from: TowerId, to: TowerId): Uint8Array =>
  utf8(`argus: tower ${from} is succeeded by tower ${to}`);

/** Whether both have signed it. Never throws. */
export function isSigned({ from, to, oldSignature, newSignature }: Succession): boolean {
  const message = successionMessage(from, to);
  return from !== to && signerIs(message, oldSignature, from) && signerIs(message, newSignature, to);
}

/** The identities of a log in their order, of signed statements as the log has them: the first for each counts. */
export function identitiesOf(first: TowerId, successions: readonly Succession[]): readonly [TowerId, ...TowerId[]] {
  const identities: [TowerId, ...TowerId[]] = [first];
  for (const { from, to } of successions)
    if (from === identities.at(-1) && !identities.includes(to)) identities.push(to);
  return identities;
}

/**
 * The identities of the tower that somebody knows by one of them, from statements that anybody may have given. Only that one
 * if two statements disagree about a successor: then a key was stolen, and nobody can say by whom.
 */
export function kinOf(known: TowerId, successions: readonly Succession[]): ReadonlySet<TowerId> {
  const signed = successions.filter(isSigned);
  const kin = new Set([known]);
  for (let size = 0; size < kin.size; ) {
    size = kin.size;
    for (const { from, to } of signed) if (kin.has(from) || kin.has(to)) kin.add(from).add(to);
  }
  const heirs = new Map<TowerId, TowerId>();
  for (const { from, to } of signed) {
    if (!kin.has(from)) continue;
    if ((heirs.get(from) ?? to) !== to) return new Set([known]);
    heirs.set(from, to);
  }
  return kin;
}
