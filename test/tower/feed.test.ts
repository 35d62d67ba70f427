import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { logSubjects } from '../../actors/wire.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { txid } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { followCommand } from '../support/follow-command.js';
import { whereabouts } from '../support/operator-command.js';
import { startTestTower } from '../support/tower.js';

test('argus feed tells the operator what happens, all of it or of a user or a locator, also while nodes come and go', async (t) => {
  const tower = await startTestTower(t, { settings: { 'log.shards': '2' } });
  const where = whereabouts(t, tower);
  const [one, other] = [await tower.newClient(), await tower.newClient()];
  await one.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  const { locator } = await one.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);

  const ofUser = followCommand(t, ['--since', 'height:1', '--user', one.userId, '--json', ...where], ['feed']);
  const ofLocator = followCommand(t, ['--since', 'height:1', '--locator', locator, ...where], ['feed']);
  const ofBreaches = followCommand(
    t,
    ['--since', 'height:1', '--type', 'UserRegistered,BreachDetected', ...where],
    ['feed'],
  );
  const next = async () => JSON.parse(await ofUser.line());
  assert.equal((await next()).type, 'UserRegistered');
  const accepted = await next();
  assert.deepEqual([accepted.type, accepted.locator, accepted.user_id], ['AppointmentAccepted', locator, one.userId]);
  assert.match(accepted.words, /^appointment [0-9a-f]{40} accepted: locator /);
  assert.match(await ofLocator.line(), / appointment [0-9a-f]{40} accepted: /);

  assert.match(await ofBreaches.line(), / registered \(rust\)/);

  // The only node is replaced: nothing is missed, and what is another's is not told.
  await tower.restartNode();
  await other.register();
  await other.addAppointment(makeAppointment('rust', txid('x'), new Uint8Array(50), 144));
  await tower.chain.mineOnly([breach.disputeTx]);
  const detected = await next();
  assert.deepEqual([detected.type, detected.dispute_txid], ['BreachDetected', breach.disputeTxid]);
  assert.match(await ofLocator.line(), /^\S+Z {2}TOWER_\d:\d+ +tracker [0-9a-f]{8} {2}breach detected \(watcher\)/);
  // Shards have no common order.
  const both = [await ofBreaches.line(), await ofBreaches.line()].toSorted(
    (a, b) => Number(/breach/.test(a)) - Number(/breach/.test(b)),
  );
  assert.match(both[0] ?? '', / registered \(rust\)/, 'of the other one');
  assert.match(both[1] ?? '', /breach detected/);
  const sent = await next();
  assert.deepEqual([sent.type, sent.locator], ['PenaltyBroadcast', undefined], 'known by its appointment');
  assert.match(await ofLocator.line(), / penalty [0-9a-f]{64} broadcast /);

  ofUser.child.kill('SIGINT');
  assert.equal((await ofUser.ended).status, 0);
  const wrong = await argus(['feed', '--kind', 'blocks', ...where]);
  assert.deepEqual(
    [wrong.status, wrong.stderr],
    [2, 'argus: there is no kind blocks; there are chain, user, tracker, policy, scan\n'],
  );

  const nc = await tower.nats.connect('operator');
  const refused = async (question: object) => {
    const message = await nc.request(logSubjects.log, JSON.stringify(question));
    return `${message.headers?.get('Nats-Service-Error-Code')} ${message.json<{ error: string }>().error}`;
  };
  for (const stream of ['BLOBS_0', 'OBJ_SNAPSHOTS', 'TXIDS'])
    assert.equal(await refused({ what: 'messages', stream, from: 1 }), `404 there is no stream ${stream} to be shown`);
  assert.equal(await refused({ what: 'blobs' }), '400 the question is not understood');
});
