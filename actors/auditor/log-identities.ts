import { decodeCommit } from '../../events/commit.js';
import { IdentityRotated, identitiesOf, isSigned, type Succession } from '../../events/identity.js';
import type { TowerId } from '../../events/ids.js';
import { CHAIN } from '../../events/log/streams.js';
import type { AuditMessage, AuditSource } from './audit-source.js';

const NAME = Buffer.from('"IdentityRotated"');

/** The identities of the tower, in their order, as the chain's log of a source tells them. Rejects as reading it does. */
export async function readIdentities(
  source: Pick<AuditSource, 'tail' | 'read'>,
  first: TowerId,
  signal: AbortSignal,
): Promise<readonly TowerId[]> {
  const successions: Succession[] = [];
  const through = await source.tail(CHAIN);
  if (through === 0) return [first];
  for await (const batch of source.read(CHAIN, 1, through, signal))
    for (const message of batch) successions.push(...successionsIn(message));
  return identitiesOf(first, successions);
}

/** The statements in a message that both keys have signed; none in what is no commit. */
function successionsIn({ data }: AuditMessage): Succession[] {
  if (!Buffer.from(data.buffer, data.byteOffset, data.byteLength).includes(NAME)) return [];
  try {
    const { events } = decodeCommit(data);
    const found = events.flatMap((event: unknown) => IdentityRotated.safeParse(event).data ?? []);
    return found.filter(isSigned);
  } catch {
    return []; // what is wrong with it is for whoever looks at all of it
  }
}
