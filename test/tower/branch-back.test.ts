import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildBreach } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { mineEach, mineEmpty, replaceBy, startGuard } from '../support/breach.js';
import { historyTypes, isInMempool, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

test('a branch that comes back while the tower is down is compared with what was accepted meanwhile', async (t) => {
  const { tower, client, channel } = await startGuard(t);
  const breach = buildBreach(channel);
  // Far below the last six blocks, and evaluated when nobody waited for it.
  const [disputeBlock] = await mineEach(tower, [breach.disputeTx]);
  assert(disputeBlock);
  await mineEmpty(tower, 14);
  await untilLevel(() => tower.node, tower.chain);
  const [rival] = await replaceBy(tower, disputeBlock, ...Array.from({ length: 16 }, () => []));
  assert(rival);
  await untilLevel(() => tower.node, tower.chain);
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);

  await tower.stopNode();
  await tower.chain.invalidate(rival);
  await tower.chain.reconsider(disputeBlock);
  await mineEmpty(tower, 2);
  await tower.restartNode();
  await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  const [first] = await historyTypes(tower, client.userId, locator);
  assert.equal(first, 'BreachDetected by watcher');
  assert.deepEqual(tower.gaveUp, []);
});
