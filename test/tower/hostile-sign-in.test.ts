import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { nkeys } from 'nats';
import { issuerOf } from '../../actors/auth-callout/issuer.js';
import { asClient, overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { publicNkey } from '../../actors/secrets.js';
import { clientInbox, operatorSubjects, publicSubjects } from '../../actors/wire.js';
import { newNkey, RawNats, type RawSignIn } from '../support/raw-nats.js';
import { secretKey, startTestTower } from '../support/tower.js';

/** Who connects to a real tower's NATS server as somebody else, or takes more of it than is everybody's share. */

const REFUSED = ["-ERR 'Authorization Violation'"];

test('nobody is let in as somebody else', async (t) => {
  const { nats, key } = await startTestTower(t);
  const victim = newNkey();
  const stolen = nkeys.fromSeed(victim.seed).sign(Buffer.from('another nonce'));
  const [node, operator, auditor] = [nats.nodeSeed, nats.operatorSeed, nats.auditorSeed].map(publicNkey);
  const { seed, nkey } = newNkey();
  // What the tower's issuer would sign, signed by somebody else's.
  const forger = issuerOf(new TextDecoder().decode(seed));
  const rights = {
    pub: { allow: ['>'] },
    sub: { allow: ['>'] },
    subs: -1,
    data: -1,
    payload: -1,
    type: 'user',
    version: 2,
  };
  const jwt = forger.jwt({ aud: 'TOWER', sub: nkey, name: 'node', nats: rights }, Math.floor(Date.now() / 1000));
  const attempts: Record<string, RawSignIn> = {
    'a node, by its public nkey': { seed, fields: { nkey: node } },
    'the operator, by its public nkey': { seed, fields: { nkey: operator } },
    'the auditor, by its public nkey': { seed, fields: { nkey: auditor } },
    'another client, by its nkey': { seed, fields: { nkey: victim.nkey } },
    'another client, by a signature of another nonce': {
      fields: { nkey: victim.nkey, sig: Buffer.from(stolen).toString('base64url') },
    },
    'another client, without a signature': { fields: { nkey: victim.nkey } },
    'all clients, by a wildcard': { seed, fields: { nkey: '*' } },
    'all clients, by a longer nkey': { seed, fields: { nkey: '>' } },
    'an account': { seed: nkeys.createAccount().getSeed() },
    'a node, by what it says its account is': { seed, fields: { account: 'TOWER' } },
    'somebody of the system account, by what it says': { seed, fields: { account: 'SYS', new_account: true } },
    'a user of no account': { fields: { user: 'admin', pass: 'admin' } },
    'whom nats.conf lets in, with a password': { fields: { user: 'anyone', pass: 'x' } },
    'whom older versions of nats.conf let in': { fields: { user: 'public', pass: '' } },
    'one of the system account': { fields: { user: 'sys', pass: '' } },
    'one with a token': { fields: { auth_token: 'x' } },
  };
  for (const [who, signIn] of Object.entries(attempts))
    await t.test(who, async () => {
      const raw = await RawNats.signIn(t, nats.port, signIn);
      assert.deepEqual(raw.lines, REFUSED);
      await raw.closed;
    });

  await t.test('a client that says what it wants to be is what it is', async () => {
    for (const fields of [
      { name: 'argus one' },
      { jwt },
      { user: 'anyone' },
      { tls_required: true },
      { echo: false },
    ]) {
      const raw = await RawNats.signIn(t, nats.port, { seed, fields });
      assert.deepEqual(raw.lines, ['PONG']);
      assert.match(String(await raw.publish(operatorSubjects.info)), /^-ERR 'Permissions Violation for Publish/);
    }
  });

  await t.test('and whoever is a client is one', async () => {
    const client = new TowerClient(overNats(await nats.connect('public')), {
      towerId: key.towerId,
      secretKey: secretKey(),
    });
    await client.register();
  });
});

describe('a client', () => {
  test('has a share of payload, subscriptions and lines, and no more', async (t) => {
    const { nats } = await startTestTower(t);
    const signIn = newNkey();
    const inbox = clientInbox(signIn.nkey);
    const most = 160 * 1024;
    for (const who of [signIn, {}]) {
      const raw = await RawNats.signIn(t, nats.port, who);
      assert.deepEqual(await raw.publish(publicSubjects.info, 'x'.repeat(most)), []);
      assert.deepEqual(await raw.publish(publicSubjects.info, 'x'.repeat(most + 1)), [
        "-ERR 'Maximum Payload Violation'",
      ]);
      await raw.closed;
    }
    const raw = await RawNats.signIn(t, nats.port, signIn);
    for (let sid = 1; sid <= 10; sid++) assert.deepEqual(await raw.subscribe(`${inbox}.${sid}`, sid), []);
    assert.deepEqual(await raw.subscribe(`${inbox}.11`, 11), ["-ERR 'maximum subscriptions exceeded'"]);
    const more = newNkey();
    const other = await RawNats.signIn(t, nats.port, more);
    assert.deepEqual(await other.subscribe(`${clientInbox(more.nkey)}.1`), [], 'it is the share of each');
    const talker = await RawNats.signIn(t, nats.port, signIn);
    assert.deepEqual(await talker.say(`PUB ${'x'.repeat(10_000)} 0\r\n\r\n`), ["-ERR 'maximum control line exceeded'"]);
    await talker.closed;
  });

  test('that does not say who it is is not waited for', async (t) => {
    const { nats } = await startTestTower(t);
    const began = performance.now();
    const socket = connect(nats.port, '127.0.0.1');
    t.after(() => socket.destroy());
    const raw = new RawNats(socket);
    await raw.closed;
    assert.deepEqual(raw.lines, ["-ERR 'Authentication Timeout'"]);
    assert.ok(performance.now() - began < 10_000);
  });

  test('finds no room among a thousand of them, while the tower and who is in go on', async (t) => {
    const { nats, key } = await startTestTower(t);
    const signIn = asClient();
    const client = new TowerClient(overNats(await nats.connect('public', signIn)), {
      towerId: key.towerId,
      secretKey: secretKey(),
    });
    const crowd: RawNats[] = [];
    const full = ["-ERR 'maximum account active connections exceeded'"];
    for (let lines: readonly string[] = []; lines[0] !== full[0]; ) {
      assert.ok(crowd.length <= 1_000);
      const more = await Promise.all(Array.from({ length: 50 }, () => RawNats.signIn(t, nats.port)));
      crowd.push(...more.filter((raw) => raw.lines[0] === 'PONG'));
      lines = more.find((raw) => raw.lines[0] !== 'PONG')?.lines ?? [];
    }
    assert.equal(crowd.length, 999);
    assert.deepEqual((await RawNats.signIn(t, nats.port, newNkey())).lines, full);
    await client.register();
    await (await nats.connect('operator')).request(operatorSubjects.info, '{}');
    crowd[0]?.close();
    await crowd[0]?.closed;
  });
});
