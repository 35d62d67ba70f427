import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { towerStream } from '../../events/log/streams.js';
import { shard } from '../support/log.js';
import { startSignedLog } from '../support/signed-log.js';
import { alterOnDisk } from '../support/stream-block.js';
import { verified } from '../support/verified.js';

const TOWER = towerStream(shard);

test("a message that is altered on the server's disk is named, whether its checksum was made right or not", async (t) => {
  const { nats, towerId } = await startSignedLog(t, 10);
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
