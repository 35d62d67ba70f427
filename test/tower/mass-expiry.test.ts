import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LongLog } from '../../bench/stage/long-log.js';
import { ensureStreams } from '../../events/log/ensure-streams.js';
import { height } from '../fixtures/blocks.js';
import { startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const USERS = 400;
const APPOINTMENTS = 24_000;
const [START, EXPIRY, GRACE] = [110, 115, 5];

test('subscriptions that run out in the same block by the hundred end one after another, without a flood of reads', async (t) => {
  const tower = await startTestTower(t, { begin: false, settings: { 'subscription.grace': String(GRACE) } });
  const nc = await tower.nats.connect('node');
  await ensureStreams(nc, { network: 'regtest', towerId: tower.key.towerId });
  const log = new LongLog(nc, { start: height(START), expiry: height(EXPIRY) });
  await log.register(USERS);
  await log.growTo(APPOINTMENTS);
  // Not before: what is made here at once holds up this process, and a node in it would complain of that.
  await tower.restartNode();
  const counts = () => tower.node.shards[0]?.counts;
  await until('all are known', () => counts()?.appointments === APPOINTMENTS);
  await tower.chain.mine(EXPIRY + GRACE - (await tower.chain.height()));
  await untilLevel(() => tower.node, tower.chain);
  await until('all are forgotten', () => counts()?.users === 0);
  assert.equal(counts()?.appointments, 0);
  assert.deepEqual(
    tower.said.filter(({ level }) => level >= 40),
    [],
  );
});
