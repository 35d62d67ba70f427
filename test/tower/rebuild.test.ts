import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Carrier } from '../../actors/carrier/carrier.js';
import { BlockSource } from '../../actors/chain-monitor/block-source.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { ShardState } from '../../projections/shard-state.js';
import { Watchlist } from '../../projections/watchlist.js';
import { isInMempool, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** An actor that fails is made anew from the log, and goes on where it was. */
describe('an actor that fails once', () => {
  const cases = [
    ['the Watcher, as it looks a block up', Watchlist.prototype, 'lookUpAll'],
    ['the Responder, as it sends a penalty', Carrier.prototype, 'broadcast'],
    ['the ChainMonitor, as it asks for a block', BlockSource.prototype, 'block'],
    ['the fold of the shard, at an event', ShardState.prototype, 'apply'],
  ] as const;
  for (const [who, prototype, method] of cases)
    test(`${who}: the breach is answered all the same`, async (t) => {
      const { tower, breach } = await watched(t);
      const failure = failing(t, prototype, method, 1);
      await tower.chain.mineOnly([breach.disputeTx]);
      await until('the penalty is out', () => isInMempool(tower, breach.penaltyTxid));
      // The penalty does not wait for the log.
      await until('it failed', () => failure.count() === 1);
      await untilLevel(() => tower.node, tower.chain);
      assert.deepEqual(tower.gaveUp, []);
    });

  test('whose failures do not end gives the node up, which says why', async (t) => {
    const { tower, breach } = await watched(t);
    failing(t, Watchlist.prototype, 'lookUpAll', Number.POSITIVE_INFINITY);
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('given up', () => tower.gaveUp.length > 0);
    assert.deepEqual(
      tower.gaveUp.map(({ message }) => message),
      ['out of order'],
    );
  });
});

async function watched(t: TestContext) {
  const tower: TestTower = await startTestTower(t);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  await untilLevel(() => tower.node, tower.chain);
  return { tower, breach };
}

/** From now on a method throws, so many times; then it works again. */
function failing(t: TestContext, prototype: object, method: string, times: number) {
  const original: unknown = Reflect.get(prototype, method);
  assert(typeof original === 'function');
  let count = 0;
  Reflect.set(prototype, method, function (this: unknown, ...args: unknown[]): unknown {
    if (count >= times) return original.apply(this, args);
    count++;
    throw new TypeError('out of order');
  });
  t.after(() => Reflect.set(prototype, method, original));
  return { count: () => count };
}
