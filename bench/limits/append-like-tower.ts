import type { NatsConnection } from 'nats';
import { userAggregate } from '../../events/aggregate.js';
import { toHex } from '../../events/bytes.js';
import { encodeCommit } from '../../events/commit.js';
import { type Shard, UserId } from '../../events/ids.js';
import { EventLog } from '../../events/log/log.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import type { Stage } from '../stage/stage.js';
import { randomAppointment, type User } from '../stage/users.js';
import { AppendLimit } from './append.js';

/** The size of an appointment's blob, in every figure that takes appointments in. */
export const BLOB_BYTES = 600;
/** How long a limit is measured, in seconds. */
export const LIMIT_SECONDS = 3;

/** The limit for the very bytes that the tower has put on its log for one of these appointments. */
export async function appendLimit(
  stage: Stage,
  nc: NatsConnection,
  users: readonly User[],
  inFlight: number,
): Promise<AppendLimit> {
  const log = await EventLog.open(nc);
  const userId = UserId.parse(toHex(secp256k1.publicKey(users[0]?.secretKey ?? new Uint8Array())));
  const commit = await log.last(userAggregate(userId), 0 as Shard);
  if (!commit) throw new Error('the log holds no commit of a registered user');
  return AppendLimit.prepare(nc, stage.towerId, {
    blob: randomAppointment(BLOB_BYTES).encryptedBlob,
    commit: encodeCommit(commit),
    users: users.length,
    inFlight,
    seconds: LIMIT_SECONDS,
  });
}
