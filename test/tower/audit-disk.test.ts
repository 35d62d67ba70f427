import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SignedLog } from '../../bench/stage/signed-log.js';
import { toHex } from '../../events/bytes.js';
import { TowerId } from '../../events/ids.js';
import { connectLog } from '../../events/log/connection.js';
import { ensureStreams } from '../../events/log/ensure-streams.js';
import { EventLog } from '../../events/log/log.js';
import { towerStream } from '../../events/log/streams.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { height } from '../fixtures/blocks.js';
import { blockCommit, layout, shard } from '../support/log.js';
import { startTestNats } from '../support/nats.js';
import { alterOnDisk } from '../support/stream-block.js';
import { verified } from '../support/verified.js';

const TOWER = towerStream(shard);

test("a message that is altered on the server's disk is named, whether its checksum was made right or not", async (t) => {
  const nats = await startTestNats(t);
  const tower = new Uint8Array(randomBytes(32));
  const towerId = TowerId.parse(toHex(secp256k1.publicKey(tower)));
  const nc = await connectLog({ servers: nats.url, seed: nats.nodeSeed, name: 'test' });
  t.after(() => nc.close());
  await ensureStreams(nc, { ...layout, towerId });
  await (await EventLog.open(nc)).append(blockCommit(110), { shard, expected: 0, patience: 5_000 });
  const log = new SignedLog(nc, tower, height(110), 100);
  await log.register(2);
  await log.growTo(10);
  const found = async () =>
    (await verified(nats, towerId)).findings.map(({ stream, position, what }) => `${stream} ${position} ${what}`);
  assert.deepEqual(await found(), []);

  const folder = join(nats.dataDir, 'store', 'jetstream', 'TOWER', 'streams', TOWER, 'msgs');
  const [file = '', ...others] = readdirSync(folder).filter((name) => name.endsWith('.blk'));
  assert.deepEqual(others, []);
  const alter = async (position: number, change: readonly [string, string], mend: boolean) => {
    await nats.stop();
    alterOnDisk(join(folder, file), { stream: TOWER, block: 1, position }, change, mend);
    await nats.restart();
  };
  await alter(7, ['"toSelfDelay":144', '"toSelfDelay":145'], true);
  assert.deepEqual(await found(), [`${TOWER} 7 signature`]);
  await alter(5, ['"toSelfDelay":144', '"toSelfDelay":145'], false);
  assert.equal((await found())[0], `${TOWER} 5 missing`);
});
