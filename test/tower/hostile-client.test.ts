import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asClient, overNats } from '../../actors/client/nats-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { clientInbox, operatorSubjects, publicSubjects } from '../../actors/wire.js';
import { txid } from '../fixtures/ids.js';
import { publications, replies, subscriptions } from '../support/hostile-attempts.js';
import { logStates } from '../support/log-states.js';
import { newNkey, RawNats } from '../support/raw-nats.js';
import { secretKey, startTestTower } from '../support/tower.js';
import { until } from '../support/until.js';
import { verified } from '../support/verified.js';

/** A client of a real tower that tries whatever its connection can carry, beside honest ones; the NATS server has to refuse it. */

test('a hostile client', async (t) => {
  const tower = await startTestTower(t);
  const { nats, key } = tower;
  const { port } = nats;
  const node = await nats.connect('node');
  const states = await logStates(node);

  const victim = newNkey();
  const victimNc = await nats.connect('public', asClient(victim.seed));
  const identity = { towerId: key.towerId, secretKey: secretKey() };
  const client = new TowerClient(overNats(victimNc), identity);
  const { available_slots: slots } = await client.register();
  const own = newNkey();
  const signedIn = await RawNats.signIn(t, port, own);
  const anyone = await RawNats.signIn(t, port);
  assert.deepEqual([signedIn.lines, anyone.lines], [['PONG'], ['PONG']], 'both are let in');
  const before = await states();

  const hostile = { 'signed in': signedIn, 'without credentials': anyone };
  for (const [who, raw] of Object.entries(hostile)) {
    await t.test(`${who} cannot listen where it has no business`, async () => {
      // Who has no credentials shares the inboxes of all such, where only answers to `info` arrive.
      const shared = raw === anyone ? ['_INBOX.>', '_INBOX.*', '_INBOX.*.*'] : [];
      const victims = clientInbox(victim.nkey);
      const wanted = [...subscriptions(own.nkey), `${victims}.>`, `${victims}.*`, `${victims}.*.*`, `${victims}.x`];
      for (const subject of wanted.filter((one) => !shared.includes(one)))
        for (const queue of ['', 'argus']) {
          const quoted = queue ? `"${subject}" using queue "${queue}"` : `"${subject}"`;
          const said = await raw.subscribe(subject, 7, queue);
          const isRefused =
            said.length === 1 &&
            (said[0] === `-ERR 'Permissions Violation for Subscription to ${quoted}'` ||
              said[0] === "-ERR 'Invalid Subject'");
          assert.ok(isRefused, `${subject} ${queue}: ${said}`);
        }
    });

    await t.test(`${who} cannot publish but to the tower's public subjects`, async () => {
      const victims = clientInbox(victim.nkey);
      const others = raw === anyone ? [publicSubjects.register, publicSubjects.add_appointment, 'argus.v1.x'] : [];
      const wanted = [...publications(String(raw.info.server_id)), ...others, `${victims}.x`, `${victims}.x.1`];
      for (const subject of wanted) {
        const refused = [`-ERR 'Permissions Violation for Publish to "${subject}"'`];
        assert.deepEqual(await raw.publish(subject, '{}'), refused);
        assert.deepEqual(await raw.publish(subject, '{}', `${clientInbox(own.nkey)}.x`), refused);
        // The server's tracing sends what it did with a message to wherever the message says.
        const traced = await raw.publishWith({ 'Nats-Trace-Dest': subject }, publicSubjects.info);
        assert.deepEqual(traced, refused, 'traced');
      }
    });
  }

  await t.test('that listens wherever it may hears its own answers and no others', async () => {
    assert.deepEqual(await signedIn.subscribe(`${clientInbox(own.nkey)}.>`, 1), []);
    assert.deepEqual(await anyone.subscribe('_INBOX.>', 1), []);
    const [operator, more] = [await nats.connect('operator'), await tower.newClient()];
    await more.register();
    for (let i = 1; i <= 5; i++) {
      await client.addAppointment(makeAppointment('rust', txid(`${i}`), new Uint8Array(50), 144));
      await client.getSubscriptionInfo();
      await more.info();
      await operator.request(operatorSubjects.info, '{}');
    }
    await Promise.all([signedIn.say(''), anyone.say('')]);
    assert.deepEqual([signedIn.messages, anyone.messages], [[], []]);
    assert.deepEqual(await signedIn.publish(publicSubjects.info, '{}', `${clientInbox(own.nkey)}.mine`), []);
    await until('its answer', () => signedIn.messages.length > 0);
    assert.deepEqual(
      signedIn.messages.map(({ subject }) => subject),
      [`${clientInbox(own.nkey)}.mine`],
    );
    const { locators } = await client.getSubscriptionInfo();
    assert.equal(locators.length, 5, 'the honest client has what it asked for');
  });

  await t.test('cannot have the tower answer into the log, the server, or another account', async () => {
    const [then, operator] = [await states(), await nats.connect('operator')];
    const asked = async () => {
      const found = await operator.services.client().stats('argus');
      for await (const { endpoints } of found)
        return endpoints?.find(({ name }) => name === 'info')?.num_requests ?? assert.fail();
      return assert.fail();
    };
    const count = await asked();
    for (const reply of replies) {
      const said = await signedIn.publish(publicSubjects.info, '{}', reply);
      const refused = reply.startsWith('_R_.')
        ? [`-ERR 'Permissions Violation for Publish with Reply of "${reply}"'`]
        : [];
      assert.deepEqual(said, refused, reply);
    }
    const taken = replies.filter((reply) => !reply.startsWith('_R_.')).length;
    await until('all are answered', async () => (await asked()) >= count + taken);
    await node.flush();
    assert.equal(await asked(), count + taken, 'no answer is asked again');
    assert.deepEqual(await states(), then);
    assert.equal((await operator.request(operatorSubjects.info, '{}')).json<{ users: number }>() && true, true);
  });

  await t.test('can send an honest client an answer that it has not asked for, which changes nothing', async () => {
    const heard: string[] = [];
    // Not the inbox in use, whose name has 22 letters that only its owner knows.
    victimNc.subscribe(`${clientInbox(victim.nkey)}.guessed`, { callback: (_, { subject }) => heard.push(subject) });
    await victimNc.flush();
    for (const reply of ['guessed', 'x', 'x.1'])
      await signedIn.publish(publicSubjects.info, '{}', `${clientInbox(victim.nkey)}.${reply}`);
    await until('it comes', () => heard.length > 0);
    assert.equal((await client.getSubscriptionInfo()).locators.length, 5);
  });

  await t.test('has done nothing to the log, and an auditor finds no fault with it', async () => {
    // The log has what the honest clients did to it meanwhile, and no stream more or less.
    const after = await states();
    assert.deepEqual(Object.keys(after), Object.keys(before));
    assert.equal((await client.getSubscriptionInfo()).available_slots, slots - 5);
    assert.equal((await verified(nats, key.towerId)).found, 0);
    assert.deepEqual(tower.gaveUp, []);
    assert.deepEqual(
      tower.said.filter(({ level }) => level >= 50),
      [],
    );
  });
});
