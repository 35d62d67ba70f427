import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { publicSubjects } from '../../actors/wire.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { freePorts } from '../../cli/servers/ports.js';
import { fromHex } from '../../events/bytes.js';
import { registeredPlugin, startHttpTower } from '../support/http-tower.js';
import { startTestNats } from '../support/nats.js';
import { anAppointment } from '../support/teos-requests.js';
import { isInMempool, secretKey, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** A tower whose clients come to a NATS server of their own, with `nats-clients.conf`. */

describe('a NATS server for clients alone', () => {
  test('is where the tower is asked, and nowhere else; it keeps nothing and shows nothing of the log', async (t) => {
    const tower = await startTestTower(t, { clientsNatsFlags: [] });
    const client = await tower.newClient();
    await client.register();
    const anyone = await tower.clientsNats.connect('anyone');
    const { tower_id: told } = (await anyone.request(publicSubjects.info, '{}')).json<{ tower_id: string }>();
    assert.equal(told, tower.key.towerId);

    const atTheLog = await tower.nats.connect('anyone');
    await assert.rejects(atTheLog.request(publicSubjects.info, '{}', { timeout: 2_000 }), { code: '503' });
    for (const who of ['node', 'auditor', 'operator'] as const) {
      const nc = await tower.clientsNats.connect(who);
      const subject = who === 'auditor' ? 'argus.audit.v1.info.CHAIN' : '$JS.API.STREAM.INFO.CHAIN';
      await assert.rejects(nc.request(subject, '', { timeout: 2_000 }), who);
    }
  });

  test('may be one of several: clients of each reach every node', async (t) => {
    const [one = 0, other = 0] = await freePorts(2);
    const routes = `nats://127.0.0.1:${one},nats://127.0.0.1:${other}`;
    const flags = (port: number) => [
      '--cluster_name=clients',
      `--cluster=nats://127.0.0.1:${port}`,
      `--routes=${routes}`,
    ];
    const tower = await startTestTower(t, { clientsNatsFlags: flags(one) });
    const { clientsNats } = tower;
    const second = await startTestNats(t, { like: clientsNats, config: 'nats-clients.conf', extra: flags(other) });
    const nc = await until('clients are let in', () => second.connect('public').catch(() => undefined));
    const client = new TowerClient(overNats(nc), { towerId: tower.key.towerId, secretKey: secretKey() });
    await until('they reach the node', () => client.register().catch(() => undefined));
    assert.ok((await client.getSubscriptionInfo()).available_slots > 0);
  });

  test('may be away: breaches are answered and HTTP clients served; when it is back it is as before', async (t) => {
    const tower = await startHttpTower(t, { clientsNatsFlags: [] });
    const [channel, later] = await openChannels(tower.chain, 2);
    assert.ok(channel && later);
    await untilLevel(() => tower.node, tower.chain);
    const client = await tower.newClient();
    await client.register();
    const [breach, next] = [buildBreach(channel), buildBreach(later)];
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);

    await tower.clientsNats.kill();
    await tower.chain.send(breach.disputeTx);
    await tower.chain.mine();
    await until('the penalty is in the mempool', () => isInMempool(tower, breach.penaltyTxid));
    const plugin = await registeredPlugin(tower, 'rustPlugin');
    await plugin.revoked(anAppointment('af'));
    await plugin.settled();
    assert.deepEqual([plugin.accepted.size, plugin.hurt], [1, []]);

    await tower.clientsNats.restart();
    await until('clients are served', () =>
      client.protect(next.disputeTxid, fromHex(next.penaltyTx), 144).then(
        () => true,
        () => false,
      ),
    );
    assert.deepEqual(tower.gaveUp, []);
  });

  test('may be away when a node starts: it watches, says what it waits for, and opens its doors when it is there', async (t) => {
    const tower = await startTestTower(t, { clientsNatsFlags: [] });
    const [channel] = await openChannels(tower.chain, 1);
    assert.ok(channel);
    await untilLevel(() => tower.node, tower.chain);
    const client = await tower.newClient();
    await client.register();
    const breach = buildBreach(channel);
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.stopNode();

    await tower.clientsNats.kill();
    const starting = tower.startNode('two');
    await until('it says so', () => tower.said.some(({ msg }) => msg === 'NATS does not answer; waiting for it'));
    await tower.chain.send(breach.disputeTx);
    await tower.chain.mine();
    await until('the penalty is in the mempool', () => isInMempool(tower, breach.penaltyTxid));
    await tower.clientsNats.restart();
    await starting;
    await until('clients are served', () =>
      client.register().then(
        () => true,
        () => false,
      ),
    );
  });
});
