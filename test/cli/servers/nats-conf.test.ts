import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Events, type NatsConnection, nkeyAuthenticator, nkeys, RequestStrategy } from 'nats';
import { within } from '../../../cli/servers/child.js';
import { startTestNats } from '../../support/nats.js';

/** What `nats.conf` allows and forbids, tried on a real server. */

test('clients reach the tower through a queue group, and only through its public door', async (t) => {
  const nats = await startTestNats(t);
  await nats.letClientsIn();
  const [one, two, client] = [await nats.connect('node'), await nats.connect('node'), await nats.connect('public')];
  const answeredBy: string[] = [];
  for (const [name, node] of Object.entries({ one, two }))
    node.subscribe('argus.v1.add_appointment', {
      queue: 'gateway',
      callback: (_, request) => {
        answeredBy.push(name);
        request.respond(request.data);
      },
    });
  const hidden = watch(one, ['argus.operator.v1.>', 'argus.0.>', 'argus.v1.a.b', '$JS.API.>']);
  await Promise.all([one.flush(), two.flush()]);

  const blob = randomBytes(65_536).toString('hex');
  for (let i = 0; i < 20; i++)
    assert.equal((await client.request('argus.v1.add_appointment', `${i} ${blob}`)).string(), `${i} ${blob}`);
  assert.equal(answeredBy.length, 20, 'each request is answered once');
  assert.deepEqual(new Set(answeredBy), new Set(['one', 'two']), 'the nodes share the work');

  for (const subject of ['argus.operator.v1.info', 'argus.0.user.x', 'argus.v1.a.b', '$JS.API.INFO', '$SRV.PING'])
    assert.equal(await refused(client, () => client.publish(subject)), `publish ${subject}`);
  for (const subject of ['>', 'argus.v1.*', 'argus.>', '$JS.API.>', '_INBOX_OPERATOR.>', '_R_.>', '$SYS.>'])
    assert.equal(await refused(client, () => client.subscribe(subject)), `subscription ${subject}`);
  await one.flush();
  assert.deepEqual(hidden, []);
});

test('the operator asks and reads its own answers, and cannot touch the log', async (t) => {
  const nats = await startTestNats(t);
  const [node, operator] = [await nats.connect('node'), await nats.connect('operator')];
  const service = await node.services.add({ name: 'argus', version: '1.0.0', queue: 'gateway' });
  service.addEndpoint('info', { subject: 'argus.operator.v1.info', handler: (_, m) => void m.respond('secret') });
  await node.flush();
  assert.equal((await operator.request('argus.operator.v1.info')).string(), 'secret');
  const found = [];
  for await (const ping of await operator.services
    .client({ strategy: RequestStrategy.Count, maxMessages: 1, maxWait: 2_000 })
    .ping('argus'))
    found.push(ping.name);
  assert.deepEqual(found, ['argus']);

  await (await node.jetstreamManager()).streams.add({ name: 'LOG', subjects: ['argus.chain'] });
  for (const subject of ['$JS.API.STREAM.DELETE.LOG', '$JS.API.INFO', 'argus.chain', 'argus.0.user.x'])
    assert.equal(await refused(operator, () => operator.publish(subject)), `publish ${subject}`);
  // A node answers to wherever it is told to, and may send to anywhere.
  for (const reply of ['argus.chain', '$JS.API.STREAM.PURGE.LOG', '$JS.API.STREAM.DELETE.LOG'])
    for (const subject of ['argus.operator.v1.info', '$SRV.PING', '$SRV.INFO.argus'])
      operator.publish(subject, '', { reply });
  await Promise.all([operator.flush(), node.flush()]);
  await node.jetstream().publish('argus.chain', 'block');
  const { messages } = (await (await node.jetstreamManager()).streams.info('LOG')).state;
  assert.equal(messages, 1);
  for (const subject of ['>', 'argus.>', '$JS.>', '_INBOX.>'])
    assert.equal(await refused(operator, () => operator.subscribe(subject)), `subscription ${subject}`);
});

test('a node uses JetStream, and what was acked is there after a kill and a restart', async (t) => {
  const nats = await startTestNats(t);
  const node = await nats.connect('node');
  await (await node.jetstreamManager()).streams.add({ name: 'LOG', subjects: ['argus.chain'] });
  assert.equal((await node.jetstream().publish('argus.chain', 'block')).seq, 1);
  const pid = nats.pid;
  await nats.kill();
  await nats.restart();
  assert.notEqual(nats.pid, pid);
  const again = await nats.connect('node');
  const stored = await (await again.jetstreamManager()).streams.getMessage('LOG', { seq: 1 });
  assert.equal(stored.string(), 'block');
});

test('a key that nobody gave rights to is turned away, and a public payload has a limit', async (t) => {
  const nats = await startTestNats(t);
  const stranger = nkeyAuthenticator(nkeys.createUser().getSeed());
  await assert.rejects(nats.connect('node', { authenticator: stranger }), { code: 'AUTHORIZATION_VIOLATION' });
  await nats.letClientsIn();
  const client = await nats.connect('public');
  const tooMuch = new Uint8Array(160 * 1024 + 1);
  assert.throws(() => client.publish('argus.v1.register', tooMuch), { code: 'MAX_PAYLOAD_EXCEEDED' });
});

/** The subjects of messages that a connection receives on these subscriptions. */
function watch(connection: NatsConnection, subjects: string[]): string[] {
  const seen: string[] = [];
  for (const subject of subjects)
    connection.subscribe(subject, { callback: (_, message) => seen.push(message.subject) });
  return seen;
}

/** What of `act` the server refuses, as "publish x" or "subscription x"; "nothing" when it refuses nothing. */
async function refused(connection: NatsConnection, act: () => unknown): Promise<string> {
  const answer = (async () => {
    for await (const { type, data, permissionContext: what } of connection.status())
      if (type === Events.Error && data === 'PERMISSIONS_VIOLATION') return `${what?.operation} ${what?.subject}`;
    return 'closed';
  })();
  act();
  await connection.flush(); // the refusal comes before the answer to this
  return (await within(answer, 1_000)) ?? 'nothing';
}
