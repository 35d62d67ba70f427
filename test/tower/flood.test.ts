import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TowerRefusedError, TowerUnavailableError } from '../../actors/client/errors.js';
import { Flood, type FloodWay } from '../../bench/load/flood.js';
import { floodRequests } from '../../bench/load/flood-requests.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { registeredPlugin, startHttpTower, urlOf } from '../support/http-tower.js';
import { tempDir } from '../support/temp-dir.js';
import { anAppointment } from '../support/teos-requests.js';
import { isInMempool, secretKey, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** A flood over both doors, made by processes of their own, with a breach in the middle. */

const portOf = (tower: TestTower, way: FloodWay) =>
  Number(new URL(way === 'nats' ? tower.nats.url : urlOf(tower)).port);

test('a breach amid a flood over both doors is answered and recorded; afterwards all is as before', {
  timeout: 240_000,
}, async (t) => {
  const tower = await startHttpTower(t);
  const [channel, later] = await openChannels(tower.chain, 2);
  assert.ok(channel && later);
  await untilLevel(() => tower.node, tower.chain);
  const users = Array.from({ length: 20 }, () => ({ towerId: tower.key.towerId, secretKey: secretKey() }));
  for (const { secretKey } of users) await (await tower.newClient('rust', { secretKey })).register();
  const client = await tower.newClient('rust');
  await client.register();
  const breach = buildBreach(channel);
  await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);

  const requests = await floodRequests(users, tower.key.towerId, 1_000);
  const floods = (['nats', 'http'] as const).map(
    (way) => new Flood(way, portOf(tower, way), tempDir(t), requests, { behind: false }),
  );
  t.after(async () => {
    for (const flood of floods.splice(0)) await flood.stop();
  });
  for (const { refused } of floods) await refused;
  await tower.chain.send(breach.disputeTx);
  await tower.chain.mine();
  await until('the penalty is in the mempool', () => isInMempool(tower, breach.penaltyTxid));
  await untilLevel(() => tower.node, tower.chain);
  const told = await Promise.all(floods.splice(0).map((flood) => flood.stop()));
  t.diagnostic(JSON.stringify(told));

  const plugin = await until('the HTTP door is open', () =>
    registeredPlugin(tower, 'rustPlugin').catch(() => undefined),
  );
  await plugin.revoked(anAppointment('af'));
  await plugin.settled();
  assert.deepEqual([plugin.accepted.size, plugin.hurt], [1, []]);
  const next = buildBreach(later);
  await until('the NATS door is open', () =>
    client.protect(next.disputeTxid, fromHex(next.penaltyTx), 144).then(
      () => true,
      (error) => {
        if (error instanceof TowerUnavailableError || error instanceof TowerRefusedError) return false;
        throw error;
      },
    ),
  );
  await tower.chain.send(next.disputeTx);
  await tower.chain.mine();
  await until('the penalty of the next breach is in the mempool', () => isInMempool(tower, next.penaltyTxid));
  assert.deepEqual(tower.gaveUp, []);
  assert.ok(!tower.said.some(({ msg }) => msg.startsWith('the thread of doors died')));
});
