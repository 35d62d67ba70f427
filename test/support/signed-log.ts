import { randomBytes } from 'node:crypto';
import { SignedLog } from '../../bench/stage/signed-log.js';
import { toHex } from '../../events/bytes.js';
import { TowerId } from '../../events/ids.js';
import { connectLog } from '../../events/log/connection.js';
import { ensureStreams } from '../../events/log/ensure-streams.js';
import { EventLog } from '../../events/log/log.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { height } from '../fixtures/blocks.js';
import { blockCommit, layout, shard } from './log.js';
import { startTestNats } from './nats.js';
import type { Cleanup } from './temp-dir.js';

/** A log on a real server that a tower could have written, with two users and as many appointments as are wanted. */
export async function startSignedLog(t: Cleanup, appointments: number) {
  const nats = await startTestNats(t);
  const secret = new Uint8Array(randomBytes(32));
  const towerId = TowerId.parse(toHex(secp256k1.publicKey(secret)));
  const nc = await connectLog({ servers: nats.url, seed: nats.nodeSeed, name: 'test' });
  t.after(() => nc.close());
  await ensureStreams(nc, { ...layout, towerId });
  const log = await EventLog.open(nc);
  await log.append(blockCommit(110), { shard, expected: 0, patience: 5_000 });
  const signed = new SignedLog(nc, secret, height(110), 100);
  await signed.register(2);
  await signed.growTo(appointments);
  return { nats, nc, log, secret, towerId, signed };
}
