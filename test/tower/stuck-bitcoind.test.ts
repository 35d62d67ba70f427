import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { overHttp } from '../../actors/client/http-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { buildBreach } from '../../cli/demo/channel.js';
import { trackerAggregate } from '../../events/aggregate.js';
import { fromHex } from '../../events/bytes.js';
import { EventLog } from '../../events/log/log.js';
import { appointmentId } from '../../events/signing/appointment.js';
import { urlOf } from '../support/http-tower.js';
import { shard } from '../support/log.js';
import { openChannel } from '../support/mempool.js';
import { startRpcProxy } from '../support/rpc-proxy.js';
import type { Cleanup } from '../support/temp-dir.js';
import { historyTypes, isInMempool, secretKey, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

test('a node whose bitcoind is stuck follows the chain on the log, and penalties go out through another node’s bitcoind', async (t) => {
  const tower = await startTestTower(t);
  const rpc = await startRpcProxy(t, tower.bitcoind.rpcUrl);
  rpc.set('hold');
  const stuck = await tower.startNode('stuck', { bitcoind: { ...tower.bitcoind, rpcUrl: rpc.url } });
  const breach = buildBreach(await openChannel(tower.chain));
  const client = await tower.newClient();
  await client.register();
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);

  await tower.chain.mineOnly([breach.disputeTx]);
  await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  await untilLevel(() => stuck, tower.chain);
  assert.ok(rpc.asked.length > 0, 'it has asked its bitcoind, which never answers');
  const log = await EventLog.open(await tower.nats.connect('node'));
  const sent = await until('recorded', async () => {
    const commits = await log.load(trackerAggregate(appointmentId(locator, client.userId)), shard);
    return commits.find(({ events }) => events.some(({ type }) => type === 'PenaltyBroadcast'));
  });
  assert.equal(sent.node, 'one');
  await tower.chain.mine(100);
  for (const node of [tower.node, stuck]) await untilLevel(() => node, tower.chain);
  await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
  assert.deepEqual(tower.gaveUp, []);
});

describe('another node sends the penalty', () => {
  test('when a bitcoind is stuck in nothing but sending, and its node may be the first to put the breach on the log', async (t) => {
    const { chain, proxy, breach, protect, untilPunished } = await stuckAndWell(t);
    await protect();
    proxy.set((method) => (method === 'sendrawtransaction' ? 'hold' : 'pass'));
    await chain.mineOnly([breach.disputeTx]);
    await untilPunished('BreachDetected by watcher');
  });

  test('when the stuck node accepts the appointment after its breach was mined', async (t) => {
    const { chain, nodes, proxy, breach, protect, untilPunished } = await stuckAndWell(t);
    await chain.mineOnly([breach.disputeTx]);
    for (const node of nodes) await untilLevel(() => node, chain);
    proxy.set('hold');
    await protect();
    await untilPunished('BreachDetected by locator-cache');
  });
});

/** Two nodes, one of which can be cut off from an answer of its bitcoind, and a user of that one. */
async function stuckAndWell(t: Cleanup) {
  const settings = { 'http.listen': '127.0.0.1:0', 'bitcoind.timeout_seconds': '2' };
  const tower = await startTestTower(t, { settings, begin: false });
  const { bitcoind, chain, key } = tower;
  const proxy = await startRpcProxy(t, bitcoind.rpcUrl);
  const { cookieFile, zmqUrl } = bitcoind;
  const stuck = await tower.startNode('stuck', { bitcoind: { rpcUrl: proxy.url, cookieFile, zmqUrl } });
  const nodes = [stuck, await tower.startNode('well')];
  for (const node of nodes) await untilLevel(() => node, chain);
  const client = new TowerClient(overHttp(urlOf({ node: stuck })), { towerId: key.towerId, secretKey: secretKey() });
  await client.register();
  const breach = buildBreach(await openChannel(chain));
  const appointment = makeAppointment('rust', breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  const protect = () => client.addAppointment(appointment);
  /** Resolves when the penalty is buried by what both nodes know, one of which was stuck all the time. */
  const untilPunished = async (first: string) => {
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await chain.mine(100);
    const types = () => historyTypes(tower, client.userId, appointment.locator);
    await until('buried', async () => (await types()).at(-1) === 'PenaltyIrrevocable');
    assert.deepEqual(await types(), [first, 'PenaltyBroadcast', 'PenaltyConfirmed', 'PenaltyIrrevocable']);
    await until('of one mind', () => {
      const [one, two] = nodes.map(({ chain, shards }) => JSON.stringify([chain.state, ...shards]));
      return one === two;
    });
    assert.deepEqual(tower.gaveUp, []);
  };
  return { chain, nodes, proxy, breach, protect, untilPunished };
}
