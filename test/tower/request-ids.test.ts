import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { overHttp } from '../../actors/client/http-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { publicSubjects, REQUEST_ID_HEADER } from '../../actors/wire.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex, toHex } from '../../events/bytes.js';
import { argus } from '../support/argus.js';
import { whereabouts } from '../support/operator-command.js';
import { secretOf } from '../support/shards.js';
import { isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

test('a request has one id in the lines of all nodes and in its answer, and no line has a secret', async (t) => {
  const settings = {
    'registration.policy': 'invite',
    'log.shards': '2',
    'log.serve': '0',
    'metrics.listen': '127.0.0.1:0',
  };
  const tower = await startTestTower(t, { logLevel: 'debug', settings: { ...settings, 'http.listen': '127.0.0.1:0' } });
  const two = await tower.startNode('two', {
    settings: { 'http.listen': '127.0.0.1:0', 'log.serve': '1', 'metrics.listen': 'off' },
  });
  for (const node of [tower.node, two]) await untilLevel(() => node, tower.chain);
  const url = tower.node.httpUrls[0] ?? assert.fail();
  const { token } = JSON.parse(
    (await argus(['invite', 'create', '--uses', '5', '--json', ...whereabouts(t, tower)])).stdout,
  );
  const linesOf = (id: unknown) => tower.said.filter(({ request }) => request === id && typeof id === 'string');

  // Both nodes hear of a user of the other one's shard.
  const secrets = [0, 1].map((shard) => secretOf(shard, 2));
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  const receipts: unknown[] = [];
  for (const secretKey of secrets) {
    const client = new TowerClient(overHttp(url), { towerId: tower.key.towerId, secretKey });
    await client.register(token);
    const receipt = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await client.getAppointment(receipt.locator);
    receipts.push(receipt.signature, receipt.userSignature);
  }
  const relayed = tower.said.findLast(({ operation, user }) => operation === 'add_appointment' && user !== undefined);
  assert.equal(linesOf(relayed?.request).length, 2, 'of the node that was asked, and of the one that answered');
  assert.deepEqual(new Set(linesOf(relayed?.request).map(({ status }) => status)), new Set([200]));

  const answer = await fetch(`${url}/get_appointment`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const [line] = linesOf(answer.headers.get('x-request-id'));
  assert.deepEqual(
    [line?.operation, line?.status, line?.reason],
    ['get_appointment', answer.status, 'malformed-request'],
  );
  const text = await fetch(`${url}/register`, { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } });
  assert.equal(linesOf(text.headers.get('x-request-id')).length, 1);
  const nc = await tower.nats.connect('public');
  const heard = await nc.request(publicSubjects.get_subscription_info, '{"signature":"nobody\'s"}');
  assert.equal(linesOf(heard.headers?.get(REQUEST_ID_HEADER)).length, 1);
  const known = await nc.request(publicSubjects.info);
  assert.match(known.headers?.get(REQUEST_ID_HEADER) ?? '', /^[0-9a-f]{10}-[0-9a-z]+$/);

  await tower.chain.mineOnly([breach.disputeTx]);
  await until('the penalty is sent', () => isInMempool(tower, breach.penaltyTxid));
  await until('that is measured', async () => {
    const shown = await (await fetch(`${tower.node.metricsUrl}/metrics`)).text();
    return /^argus_block_to_broadcast_seconds_count 1$/m.test(shown);
  });

  const all = JSON.stringify(tower.said);
  const { encryptedBlob } = makeAppointment('rust', breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  const cookie = readFileSync(tower.bitcoind.cookieFile, 'utf8').trim().split(':')[1];
  const hidden = { token, blob: toHex(encryptedBlob), penalty: breach.penaltyTx, cookie, nkey: tower.nats.nodeSeed };
  const keys = secrets.map((secret) => toHex(secret));
  for (const secret of [...Object.values(hidden), ...keys, ...receipts]) {
    assert.ok(typeof secret === 'string' && secret.length > 20);
    assert.ok(!all.includes(secret), `${secret} is in the log`);
  }
});
