import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import pino from 'pino';
import { type Answer, type GatekeeperFace, Gateway, type GatewayNeeds } from '../../../actors/gateway/gateway.js';
import * as wire from '../../../actors/wire.js';
import { fromHex, utf8 } from '../../../events/bytes.js';
import { UserId } from '../../../events/ids.js';
import type { Dialect } from '../../../events/signing/receipts.js';
import { height } from '../../fixtures/blocks.js';
import { blob as ref } from '../../fixtures/histories.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { accepted, locator, registered, responded, subscribed, watched } from './granted.js';

const user = UserId.parse(exchange.userId);
const { python, rust, getAppointmentSignature, getSubscriptionInfoSignature } = exchange;

const json = (value: unknown) => utf8(JSON.stringify(value));
const add = ({ locator, blob, toSelfDelay, userSignature: signature }: typeof python) =>
  json({ appointment: { locator, encrypted_blob: blob, to_self_delay: toSelfDelay }, signature });
const get = (text: string = locator) => json({ locator: text, signature: getAppointmentSignature });
const info = json({ signature: getSubscriptionInfoSignature });

/** A Gateway before a Gatekeeper that grants everything, but for what a test says; and what that Gatekeeper was asked. */
function gateway(face: Partial<GatekeeperFace> = {}, needs: Partial<GatewayNeeds> = {}) {
  const asked: unknown[] = [];
  const note =
    <Args extends unknown[], Result>(method: (...args: Args) => Result) =>
    (...args: Args): Result => {
      asked.push(args);
      return method(...args);
    };
  const gatekeeper: GatekeeperFace = {
    register: note(face.register ?? (async () => registered)),
    addAppointment: note(face.addAppointment ?? (async () => accepted)),
    appointment: note(face.appointment ?? (() => watched)),
    subscription: note(face.subscription ?? (() => subscribed)),
    level: face.level ?? (async () => {}),
  };
  const dialects = new Map<UserId, Dialect>([[user, 'rust']]);
  return {
    asked,
    dialects,
    to: new Gateway({
      gatekeeper: () => gatekeeper,
      dialectOf: (userId) => dialects.get(userId),
      blob: async () => fromHex('aabb'),
      maxBlobBytes: 2048,
      minToSelfDelay: 20,
      log: pino({ level: 'silent' }),
      ...needs,
    }),
  };
}

/** Status, code and reason of a refusal. */
const no = ({ status, body }: Answer) => {
  const { error_code, reason } = wire.ErrorAnswer.parse(body);
  return `${status}/${error_code ?? '-'} ${reason}`;
};

describe('the Gateway answers', () => {
  test('a registration with the fields of both generations', async () => {
    const { to, asked } = gateway();
    const { status, body } = await to.register(json({ user_id: user }), 'rust');
    assert.equal(status, 200);
    assert.deepEqual(wire.RegisterAnswer.parse(body), {
      user_id: user,
      public_key: user,
      available_slots: 10_000,
      subscription_start: 100,
      subscription_expiry: 4420,
      subscription_signature: rust.registrationSignature,
    });
    assert.deepEqual(asked, [[user, 'rust']]);
  });

  test('a registration in the dialect that its field says, whatever the door guessed', async () => {
    const { to, asked } = gateway();
    await to.register(json({ public_key: user }), 'rust');
    await to.register(json({ user_id: user }), 'python');
    assert.deepEqual(asked, [
      [user, 'python'],
      [user, 'rust'],
    ]);
    const full = gateway({ register: async () => ({ kind: 'max-slots-reached' }) });
    assert.equal(no(await full.to.register(json({ public_key: user }), 'rust')), '400/-34 max-slots-reached');
    assert.equal(no(await full.to.register(json({ user_id: user }), 'python')), '400/65 max-slots-reached');
  });

  for (const known of [python, rust])
    test(`an appointment of ${known === python ? 'python' : 'rust'} vectors, whose signature names the user`, async () => {
      const { to, asked } = gateway();
      const { status, body } = await to.addAppointment(add(known), 'rust');
      assert.equal(status, 200);
      assert.deepEqual(wire.AddAppointmentAnswer.parse(body), {
        locator,
        start_block: 1000,
        signature: python.receiptSignature,
        available_slots: 99,
        subscription_expiry: 4420,
      });
      const { toSelfDelay, userSignature } = known;
      assert.deepEqual(asked, [
        [{ userId: user, locator: known.locator, blob: fromHex(known.blob), toSelfDelay, userSignature }],
      ]);
    });

  test('an appointment that is watched with its blob', async () => {
    const refs: unknown[] = [];
    const blob = async (...args: unknown[]) => {
      refs.push(args);
      return fromHex('aabb');
    };
    const { to, asked } = gateway({}, { blob });
    const { status, body } = await to.getAppointment(get(), 'rust');
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
    const { to } = gateway({ appointment: () => responded });
    const { status, body } = await to.getAppointment(get(), 'rust');
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

  test('a subscription with its locators under the names of both generations', async () => {
    const { to, asked } = gateway();
    const { status, body } = await to.getSubscriptionInfo(info, 'rust');
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
    const known = new Set<UserId>();
    const dialectOf = (userId: UserId) => {
      known.add(userId);
      return 'rust' as const;
    };
    const { to } = gateway({}, { dialectOf });
    await to.getAppointment(get(), 'rust');
    assert.deepEqual([...known], [user]);
    await to.getAppointment(get(locator.toUpperCase()), 'rust');
    assert.equal(known.size, 2, 'the same signature under another text is somebody else');
  });

  test('nobody by what is no signature, and does not trouble the Gatekeeper with it', async () => {
    for (const signature of ['aaaaaaaa', '0'.repeat(104), 'y'.repeat(104), `${getAppointmentSignature}yy`]) {
      const { to, asked } = gateway();
      const answer = await to.getSubscriptionInfo(json({ signature }), 'rust');
      assert.equal(no(answer), '401/7 authentication-failed');
      assert.deepEqual(asked, []);
    }
  });
});

describe('the Gateway refuses', () => {
  const expired = { kind: 'subscription-expired', expiry: height(2000) } as const;
  const away: Partial<GatekeeperFace> = {
    addAppointment: async () => expired,
    appointment: () => expired,
    subscription: () => expired,
  };

  test('in the dialect that the user registered with', async () => {
    const { to, dialects } = gateway(away);
    for (const [dialect, expected] of [
      ['rust', '401/7 subscription-expired'],
      ['python', '400/-8 subscription-expired'],
    ] as const) {
      dialects.set(user, dialect);
      const guess = dialect === 'rust' ? 'python' : 'rust';
      assert.equal(no(await to.addAppointment(add(python), guess)), expected);
      assert.equal(no(await to.getAppointment(get(), guess)), expected);
      assert.equal(no(await to.getSubscriptionInfo(info, guess)), expected);
    }
  });

  test('in the dialect that the door guesses, while the user is unknown', async () => {
    const { to, dialects } = gateway({ subscription: () => ({ kind: 'authentication-failed' }) });
    dialects.clear();
    assert.equal(no(await to.getSubscriptionInfo(info, 'rust')), '401/7 authentication-failed');
    assert.equal(no(await to.getSubscriptionInfo(info, 'python')), '400/-8 authentication-failed');
  });

  test('what cannot be read, with a sentence that names the field', async () => {
    const { to, asked } = gateway();
    const noLocator = { signature: getAppointmentSignature };
    for (const [answer, expected] of [
      [await to.register(json({}), 'rust'), 'missing field `user_id`'],
      [await to.register(json({ user_id: '' }), 'rust'), '`user_id` field is empty'],
      [await to.addAppointment(json({}), 'rust'), 'missing field `appointment`'],
      [await to.getAppointment(json(noLocator), 'rust'), 'missing field `locator`'],
      [await to.getSubscriptionInfo(json({ signature: '' }), 'rust'), '`signature` field is empty'],
    ] as const) {
      assert.equal(answer.status, 400);
      assert.equal(wire.ErrorAnswer.parse(answer.body).error, expected);
      assert.equal(wire.ErrorAnswer.parse(answer.body).reason, 'malformed-request');
    }
    assert.deepEqual(asked, []);
  });

  test('a blob over the limit', async () => {
    const { to } = gateway({}, { maxBlobBytes: fromHex(python.blob).length - 1 });
    assert.equal(no(await to.addAppointment(add(python), 'rust')), '400/34 malformed-request');
    assert.equal(no(await to.addAppointment(add(python), 'python')), '400/-6 malformed-request');
  });

  test("a python client's delay below the least; a rust client has none", async () => {
    const { to, dialects, asked } = gateway({}, { minToSelfDelay: 21 });
    assert.equal((await to.addAppointment(add(python), 'python')).status, 200);
    dialects.set(user, 'python');
    const answer = await to.addAppointment(add(python), 'rust');
    assert.equal(no(answer), '400/-5 malformed-request');
    assert.equal(
      wire.ErrorAnswer.parse(answer.body).error,
      'appointment rejected. to_self_delay too small. The to_self_delay should be at least 21 (current: 20)',
    );
    assert.equal(asked.length, 1);
  });

  test('only once it knows what other nodes granted meanwhile', async () => {
    let known = false;
    const level = async () => {
      known = true;
    };
    const subscription = () => (known ? subscribed : ({ kind: 'authentication-failed' } as const));
    const { to } = gateway({ subscription, level });
    assert.equal((await to.getSubscriptionInfo(info, 'rust')).status, 200);
    const cutOff = gateway({ ...away, level: () => Promise.reject(new Error('no answer')) });
    assert.equal(no(await cutOff.to.getAppointment(get(), 'rust')), '503/32 unavailable');
  });

  test('while the shard of the user is not ready', async () => {
    const { to } = gateway({}, { gatekeeper: () => undefined });
    assert.equal(no(await to.register(json({ user_id: user }), 'rust')), '503/32 unavailable');
    assert.equal(no(await to.getSubscriptionInfo(info, 'rust')), '503/32 unavailable');
  });

  test('when the Gatekeeper fails, without a word of why', async () => {
    const { to } = gateway({
      register: () => Promise.reject(new Error('secret')),
      subscription: () => {
        throw new Error('secret');
      },
    });
    for (const answer of [
      await to.register(json({ user_id: user }), 'rust'),
      await to.getSubscriptionInfo(info, 'rust'),
    ]) {
      assert.equal(no(answer), '503/32 unavailable');
      assert.doesNotMatch(JSON.stringify(answer), /secret/);
    }
  });

  test('to show an appointment whose blob cannot be had', async () => {
    const { to } = gateway({}, { blob: async () => undefined });
    assert.equal(no(await to.getAppointment(get(), 'rust')), '503/32 unavailable');
  });
});
