import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { historyTypes, isInMempool } from '../support/tower.js';
import { startTowerProcesses } from '../support/tower-process.js';
import { until } from '../support/until.js';

test('a tower that is killed again and again goes on from its log', async (t) => {
  const { nats, bitcoind, chain, client, start, isUp } = await startTowerProcesses(t, { timeoutMs: 20_000 });
  const killed = async (child: ReturnType<typeof start>) => {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  };
  const types = () => historyTypes({ nats }, client.userId, locator);

  const first = start();
  await until('up', isUp);
  await client.register();
  const [channel] = await openChannels(chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  await killed(first);

  await chain.mineOnly([breach.disputeTx]); // while nobody watches
  const second = start();
  await until('answered', () => isInMempool({ bitcoind }, breach.penaltyTxid));
  await killed(second); // between broadcast and, perhaps, its record

  await chain.mine(1); // the penalty is mined while nobody watches
  const third = start();
  await until('confirmed', async () => (await types()).includes('PenaltyConfirmed'));
  await killed(third);

  await chain.mine(99);
  start();
  await until('irrevocable', async () => (await types()).includes('PenaltyIrrevocable'));
  assert.deepEqual(await types(), [
    'BreachDetected by watcher',
    'PenaltyBroadcast',
    'PenaltyConfirmed',
    'PenaltyIrrevocable',
  ]);
  await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
});
