import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { again } from '../support/again.js';
import { historyTypes, isInMempool, secretKey, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const YEAR = 365 * 24 * 60 * 60 * 1000;

test('a clock that jumps, forwards or backwards, delays and loses nothing', async (t) => {
  const tower = await startTestTower(t);
  const user = secretKey();
  // The library of a client waits by the clock until it connects again, for years if that jumps meanwhile: so a new one each time.
  const newClient = () => tower.newClient('rust', { secretKey: user });
  const client = await newClient();
  await client.register();
  const breaches = (await openChannels(tower.chain, 3)).map((channel) => buildBreach(channel));
  const real = Date.now;
  const now = mock.method(Date, 'now', real);
  t.after(() => now.mock.restore());
  const kept = [];
  for (const [i, years] of [0, -10, 10].entries()) {
    now.mock.mockImplementation(() => real() + years * YEAR);
    const breach = breaches[i];
    assert(breach);
    const current = await newClient();
    // Right after a jump a node takes itself for one that stood still.
    const { locator } = await again(() => current.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144));
    await tower.nats.kill(); // what is being waited for has a deadline
    await tower.chain.mineOnly([breach.disputeTx]);
    await tower.nats.restart();
    await until(`answered ${years} years from now`, () => isInMempool(tower, breach.penaltyTxid));
    kept.push(locator);
  }
  now.mock.mockImplementation(real);
  await tower.restartNode(); // the log's times go forth and back
  await tower.chain.mine(100);
  await untilLevel(() => tower.node, tower.chain);
  for (const locator of kept)
    await until(
      'buried',
      async () => (await historyTypes(tower, client.userId, locator)).at(-1) === 'PenaltyIrrevocable',
    );
  assert.equal((await (await newClient()).getSubscriptionInfo()).available_slots, 10_000);
  assert.deepEqual(tower.gaveUp, []);
});
