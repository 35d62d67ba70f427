import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GatekeeperFace } from '../../../actors/gateway/gatekeeper-face.js';
import { fromHex } from '../../../events/bytes.js';
import { height } from '../../fixtures/blocks.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { subscribed } from './granted.js';
import { add, asPython, asRust, gateway, get, info, json, limits, no, user } from './granting-gateway.js';

const { python, getAppointmentSignature } = exchange;

describe('the Gateway refuses', () => {
  const expired = { kind: 'subscription-expired', expiry: height(2000) } as const;
  const away: Partial<GatekeeperFace> = {
    addAppointment: async () => expired,
    appointment: async () => expired,
    subscription: async () => expired,
  };

  test('in the dialect that the user registered with', async () => {
    const { to, dialects } = gateway(away);
    for (const [dialect, expected] of [
      ['rust', '401/7 subscription-expired'],
      ['python', '400/-8 subscription-expired'],
    ] as const) {
      dialects.set(user, dialect);
      const guess = dialect === 'rust' ? asPython : asRust;
      assert.equal(no(await to.serve('add_appointment', add(python), guess)), expected);
      assert.equal(no(await to.serve('get_appointment', get(), guess)), expected);
      assert.equal(no(await to.serve('get_subscription_info', info, guess)), expected);
    }
  });

  test('in the dialect that the door guesses, while the user is unknown', async () => {
    const { to, dialects } = gateway({ subscription: async () => ({ kind: 'authentication-failed' }) });
    dialects.clear();
    assert.equal(no(await to.serve('get_subscription_info', info, asRust)), '401/7 authentication-failed');
    assert.equal(no(await to.serve('get_subscription_info', info, asPython)), '400/-8 authentication-failed');
  });

  test('what may have been sent long ago, and asks nobody', async () => {
    let late = true;
    const { to, asked } = gateway({}, { isLate: () => late });
    assert.equal(no(await to.serve('register', json({ user_id: user }), asRust)), '503/32 unavailable');
    assert.equal(no(await to.serve('add_appointment', add(python), asRust)), '503/7 unavailable');
    assert.equal(no(await to.serve('get_appointment', get(), asPython)), '503/- unavailable');
    assert.equal(no(await to.serve('get_subscription_info', info, asPython)), '503/- unavailable');
    assert.deepEqual(asked, []);
    late = false;
    assert.equal((await to.serve('get_subscription_info', info, asRust)).status, 200);
  });

  test('what cannot be read, with a sentence that names the field', async () => {
    const { to, asked } = gateway();
    const noLocator = { signature: getAppointmentSignature };
    for (const [answer, expected] of [
      [await to.serve('register', json({}), asRust), 'missing field `user_id`'],
      [await to.serve('register', json({ user_id: '' }), asRust), '`user_id` field is empty'],
      [await to.serve('add_appointment', json({}), asRust), 'missing field `signature`'],
      [await to.serve('add_appointment', json(noLocator), asRust), 'missing field `appointment`'],
      [await to.serve('get_appointment', json(noLocator), asRust), 'missing field `locator`'],
      [await to.serve('get_subscription_info', json({ signature: '' }), asRust), '`signature` field is empty'],
    ] as const) {
      assert.equal(answer.status, 400);
      assert.equal('error' in answer.body && answer.body.error, expected);
      assert.equal(answer.reason, 'malformed-request');
    }
    assert.deepEqual(asked, []);
  });

  test('a blob over the limit', async () => {
    const { to } = gateway({}, { limits: { ...limits, maxBlobBytes: fromHex(python.blob).length - 1 } });
    assert.equal(no(await to.serve('add_appointment', add(python), asRust)), '400/34 malformed-request');
    assert.equal(no(await to.serve('add_appointment', add(python), asPython)), '400/-6 malformed-request');
  });

  test("a python client's delay below the least; a rust client has none", async () => {
    const { to, dialects, asked } = gateway({}, { limits: { ...limits, minToSelfDelay: 21 } });
    assert.equal((await to.serve('add_appointment', add(python), asPython)).status, 200);
    dialects.set(user, 'python');
    const answer = await to.serve('add_appointment', add(python), asRust);
    assert.equal(no(answer), '400/-5 malformed-request');
    assert.deepEqual(answer.body, {
      error: 'appointment rejected. to_self_delay too small. The to_self_delay should be at least 21 (current: 20)',
      error_code: -5,
    });
    assert.equal(asked.length, 1);
  });

  test('only once it knows what other nodes granted meanwhile', async () => {
    let known = false;
    const level = async () => {
      known = true;
    };
    const subscription = async () => (known ? subscribed : ({ kind: 'authentication-failed' } as const));
    const { to } = gateway({ subscription, level });
    assert.equal((await to.serve('get_subscription_info', info, asRust)).status, 200);
    const cutOff = gateway({ ...away, level: () => Promise.reject(new Error('no answer')) });
    assert.equal(no(await cutOff.to.serve('get_appointment', get(), asRust)), '503/32 unavailable');
  });

  test('while the shard of the user is not ready', async () => {
    const { to } = gateway({}, { gatekeeper: () => undefined });
    assert.equal(no(await to.serve('register', json({ user_id: user }), asRust)), '503/32 unavailable');
    assert.equal(no(await to.serve('get_subscription_info', info, asRust)), '503/32 unavailable');
  });

  test('when the Gatekeeper fails, without a word of why', async () => {
    const { to } = gateway({
      register: () => Promise.reject(new Error('secret')),
      subscription: () => {
        throw new Error('secret');
      },
    });
    for (const answer of [
      await to.serve('register', json({ user_id: user }), asRust),
      await to.serve('get_subscription_info', info, asRust),
    ]) {
      assert.equal(no(answer), '503/32 unavailable');
      assert.doesNotMatch(JSON.stringify(answer), /secret/);
    }
  });

  test('to show an appointment whose blob cannot be had', async () => {
    const { to } = gateway({}, { blob: async () => undefined });
    assert.equal(no(await to.serve('get_appointment', get(), asRust)), '503/32 unavailable');
  });
});
