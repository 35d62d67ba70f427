import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import * as wire from '../../../actors/wire.js';
import { fromHex } from '../../../events/bytes.js';
import { blob as ref } from '../../fixtures/histories.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { locator, responded, watched } from './granted.js';
import { add, asPython, asRust, gateway, get, info, json, no, user } from './granting-gateway.js';

const { python, rust, getAppointmentSignature } = exchange;

/** When the Gatekeeper was told that its requests came. */
const cameOf = (asked: readonly unknown[]) =>
  z
    .array(z.tuple([z.object({ came: z.number() })]))
    .parse(asked)
    .map(([{ came }]) => came);

describe('the Gateway answers', () => {
  test('a registration with the fields of both generations', async () => {
    const { to, asked } = gateway();
    const { status, body } = await to.serve('register', json({ user_id: user }), asRust);
    assert.equal(status, 200);
    assert.deepEqual(wire.RegisterAnswer.parse(body), {
      user_id: user,
      public_key: user,
      available_slots: 10_000,
      subscription_start: 100,
      subscription_expiry: 4420,
      subscription_signature: rust.registrationSignature,
    });
    assert.deepEqual(asked, [[user, 'rust', undefined, undefined]]);
  });

  test('a registration in the dialect that its field says, whatever the door guessed', async () => {
    const { to, asked } = gateway();
    await to.serve('register', json({ public_key: user }), asRust);
    await to.serve('register', json({ user_id: user }), asPython);
    assert.deepEqual(asked, [
      [user, 'python', undefined, undefined],
      [user, 'rust', undefined, undefined],
    ]);
    const full = gateway({ register: async () => ({ kind: 'max-slots-reached' }) });
    assert.equal(no(await full.to.serve('register', json({ public_key: user }), asRust)), '400/-34 max-slots-reached');
    assert.equal(no(await full.to.serve('register', json({ user_id: user }), asPython)), '400/65 max-slots-reached');
  });

  test('a registration in the dialect that the operator gave the door, if only the field is right for it', async () => {
    const { to, asked } = gateway();
    const onlyPython = { dialect: 'python', certain: true } as const;
    await to.serve('register', json({ public_key: user, user_id: user }), onlyPython);
    assert.deepEqual(asked, [[user, 'python', undefined, undefined]]);
    assert.equal(no(await to.serve('register', json({ user_id: user }), onlyPython)), '400/-33 malformed-request');
    const onlyRust = { dialect: 'rust', certain: true } as const;
    assert.equal(no(await to.serve('register', json({ public_key: user }), onlyRust)), '400/1 malformed-request');
    assert.equal(asked.length, 1);
  });

  test('a registration with the invite that it carries, else with that of the host name', async () => {
    const { to, asked } = gateway();
    const caller = { ...asRust, invite: 'of the host' };
    await to.serve('register', json({ user_id: user, invite: 'of the request' }), caller);
    await to.serve('register', json({ user_id: user }), caller);
    await to.serve('register', json({ user_id: user, invite: 7 }), caller);
    assert.deepEqual(
      asked.map((args) => Array.isArray(args) && args[3]),
      ['of the request', 'of the host', 'of the host'],
    );
  });

  for (const known of [python, rust])
    test(`an appointment of ${known === python ? 'python' : 'rust'} vectors, whose signature names the user`, async () => {
      const { to, asked } = gateway();
      const before = performance.now();
      const { status, body } = await to.serve('add_appointment', add(known), asRust);
      assert.equal(status, 200);
      assert.deepEqual(wire.AddAppointmentAnswer.parse(body), {
        locator,
        start_block: 1000,
        signature: python.receiptSignature,
        available_slots: 99,
        subscription_expiry: 4420,
      });
      const { toSelfDelay, userSignature } = known;
      const [came] = cameOf(asked);
      assert.ok(came !== undefined && came >= before && came <= performance.now());
      const blob = fromHex(known.blob);
      assert.deepEqual(asked, [[{ userId: user, locator: known.locator, blob, toSelfDelay, userSignature, came }]]);
    });

  test('an appointment that is watched with its blob', async () => {
    const refs: unknown[] = [];
    const blob = async (...args: unknown[]) => {
      refs.push(args);
      return fromHex('aabb');
    };
    const { to, asked } = gateway({}, { blob });
    const { status, body } = await to.serve('get_appointment', get(), asRust);
    assert.equal(status, 200);
    assert.deepEqual(wire.GetAppointmentAnswer.parse(body), {
      locator,
      status: 'being_watched',
      appointment: { locator, encrypted_blob: 'aabb', to_self_delay: 20 },
    });
    assert.deepEqual(asked, [[user, locator]]);
    assert.deepEqual(refs, [[user, ref(7)]]);
  });

  test('an appointment that was triggered with what was sent', async () => {
    const { to } = gateway({ appointment: async () => responded });
    const { status, body } = await to.serve('get_appointment', get(), asRust);
    assert.equal(status, 200);
    assert.deepEqual(wire.GetAppointmentAnswer.parse(body), {
      locator,
      status: 'dispute_responded',
      appointment: {
        locator,
        dispute_txid: exchange.disputeTxid,
        penalty_txid: 'cd'.repeat(32),
        penalty_rawtx: '0200',
      },
    });
  });

  test('an appointment that ended while its blob was read as not found, and one whose blob is lost as unavailable', async () => {
    let asked = 0;
    const appointment = async () => (asked++ === 0 ? watched : ({ kind: 'appointment-not-found' } as const));
    const blob = async () => undefined;
    const ended = await gateway({ appointment }, { blob }).to.serve('get_appointment', get(), asRust);
    assert.deepEqual([no(ended), asked], ['404/36 appointment-not-found', 3], 'asked again as every refusal is');
    assert.match(no(await gateway({}, { blob }).to.serve('get_appointment', get(), asRust)), /^503.* unavailable$/);
  });

  test('a subscription with its locators under the names of both generations', async () => {
    const { to, asked } = gateway();
    const { status, body } = await to.serve('get_subscription_info', info, asRust);
    assert.equal(status, 200);
    assert.deepEqual(wire.SubscriptionInfoAnswer.parse(body), {
      available_slots: 99,
      subscription_expiry: 4420,
      locators: [locator],
      appointments: [locator],
    });
    assert.deepEqual(asked, [[user]]);
  });
});

describe('the Gateway authenticates', () => {
  test('by the spelling of the locator that was signed', async () => {
    const asking = async (text: string) => {
      const { to, asked } = gateway();
      await to.serve('get_appointment', get(text), asRust);
      return asked;
    };
    assert.deepEqual(await asking(locator), [[user, locator]]);
    const [first] = await asking(locator.toUpperCase());
    assert.ok(Array.isArray(first) && first[0] !== user, 'the same signature under another text is somebody else');
  });

  test('nobody by what is no signature, and does not trouble the Gatekeeper with it', async () => {
    for (const signature of ['aaaaaaaa', '0'.repeat(104), 'y'.repeat(104), `${getAppointmentSignature}yy`]) {
      const { to, asked } = gateway();
      const answer = await to.serve('get_subscription_info', json({ signature }), asRust);
      assert.equal(no(answer), '401/7 authentication-failed');
      assert.deepEqual(asked, []);
    }
  });
});

describe('while it cannot be told who signed', () => {
  test('a request is answered as unavailable, and the Gatekeeper is not troubled', async () => {
    const { to, asked } = gateway(
      {},
      { recover: async () => Promise.reject(new Error('there is too much to be done')) },
    );
    assert.equal(no(await to.serve('add_appointment', add(rust), asRust)), '503/7 unavailable');
    assert.equal(no(await to.serve('get_appointment', get(), asPython)), '503/- unavailable');
    assert.deepEqual(asked, []);
  });

  test('a request that waited while the node stood still is refused', async () => {
    let stoodStill = false;
    const recover = async () => {
      stoodStill = true;
      return user;
    };
    const { to, asked } = gateway({}, { recover, isLate: () => stoodStill });
    assert.equal(no(await to.serve('add_appointment', add(rust), asRust)), '503/7 unavailable');
    assert.deepEqual(asked, []);
  });
});
