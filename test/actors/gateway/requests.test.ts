import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  dialectOfRegistration,
  mostBytes,
  objectOf,
  operations,
  parseRegister,
} from '../../../actors/gateway/requests.js';
import { fromHex, utf8 } from '../../../events/bytes.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { appointment, MOST, requests, withField } from './requests-in-order.js';

const { userId, python, getAppointmentSignature } = exchange;
const { locator, blob, toSelfDelay, userSignature } = python;

/** What is at fault with bytes, if they hold no object. */
function verdict(bytes: Uint8Array, most?: number) {
  const parsed = objectOf(bytes, most);
  return parsed.ok ? 'an object' : parsed.fault.kind;
}

describe('a request in order', () => {
  test('is what it says', () => {
    const { register } = requests;
    assert.deepEqual(register.parse(register.good), { ok: true, value: { userId, dialect: 'rust' } });
    assert.deepEqual(parseRegister({ public_key: userId }, 'python'), {
      ok: true,
      value: { userId, dialect: 'python' },
    });
    assert.deepEqual(requests.add_appointment.parse(requests.add_appointment.good), {
      ok: true,
      value: { locator, blob: fromHex(blob), toSelfDelay, signature: userSignature },
    });
    assert.deepEqual(requests.get_appointment.parse(requests.get_appointment.good), {
      ok: true,
      value: { locator, locatorText: locator, signature: getAppointmentSignature },
    });
    assert.deepEqual(requests.delete_appointment.parse({ locator: locator.toUpperCase(), signature: userSignature }), {
      ok: true,
      value: { locator, receipt: null, signature: userSignature },
    });
    const { get_subscription_info: info } = requests;
    assert.deepEqual(info.parse(info.good), { ok: true, value: info.good });
  });

  test('may have fields that nobody knows, whatever is in them', () => {
    for (const operation of operations) {
      const { good, parse } = requests[operation];
      const more = { ...good, more: [{ deep: null }], '': 1, constructor: 'x' };
      assert.ok(parse(more).ok, operation);
    }
    const { good, parse } = requests.add_appointment;
    assert.ok(parse({ ...good, appointment: { ...appointment, more: 1 } }).ok);
  });

  test('is of the generation that its key is called by; with both keys of the rust generation', () => {
    assert.equal(dialectOfRegistration({ public_key: '02' }), 'python');
    assert.equal(dialectOfRegistration({ user_id: '' }), 'rust');
    assert.equal(dialectOfRegistration({ public_key: '02', user_id: userId }), 'rust');
    assert.equal(dialectOfRegistration({ key: userId }), undefined);
    assert.deepEqual(parseRegister({ public_key: '02', user_id: userId }, 'rust'), {
      ok: true,
      value: { userId, dialect: 'rust' },
    });
  });

  test('may have its hex in upper case; a locator to be signed keeps its spelling', () => {
    const upper = locator.toUpperCase();
    const values = [
      requests.register.parse({ user_id: userId.toUpperCase() }),
      requests.add_appointment.parse(withField('add_appointment', 'locator', upper)),
      requests.get_appointment.parse(withField('get_appointment', 'locator', upper)),
      requests.add_appointment.parse(withField('add_appointment', 'encrypted_blob', blob.toUpperCase())),
    ].map((parsed) => parsed.ok && parsed.value);
    assert.deepEqual(values, [
      { userId, dialect: 'rust' },
      { locator, blob: fromHex(blob), toSelfDelay, signature: userSignature },
      { locator, locatorText: upper, signature: getAppointmentSignature },
      { locator, blob: fromHex(blob), toSelfDelay, signature: userSignature },
    ]);
  });

  test('has a delay of 32 bits', () => {
    const { parse } = requests.add_appointment;
    for (const right of [0, 1, 20, 0xffffffff])
      assert.ok(parse(withField('add_appointment', 'to_self_delay', right)).ok);
  });

  test('has a blob of as many bytes as the limit, and not one more', () => {
    const isInOrder = (bytes: number) =>
      requests.add_appointment.parse(withField('add_appointment', 'encrypted_blob', 'ab'.repeat(bytes))).ok;
    assert.deepEqual([1, MOST, MOST + 1].map(isInOrder), [true, true, false]);
  });
});

describe('bytes that are no request', () => {
  test('are too long, before they are parsed', () => {
    const noise = (bytes: number) => new Uint8Array(bytes).fill(0x7b);
    for (const operation of operations) {
      const most = mostBytes(operation, MOST);
      assert.equal(most, operation === 'add_appointment' ? 2 * MOST + 1024 : 1024);
      assert.deepEqual(objectOf(noise(most + 1), most), { ok: false, fault: { kind: 'too-long', most } });
      assert.equal(verdict(noise(most), most), 'not-json');
    }
  });

  test('are not JSON', () => {
    const texts = ['', ' ', '{', 'null}', '{"a":1,}', "{'a':1}", '{"a":NaN}', '\ufeff\ufeff{}'];
    for (const text of texts) assert.equal(verdict(utf8(text)), 'not-json', text);
  });

  test('are not UTF-8', () => {
    assert.equal(verdict(Uint8Array.of(...utf8('{"a":"'), 0xc3, 0x28, ...utf8('"}'))), 'not-json');
  });

  test('are JSON, but no object', () => {
    for (const text of ['null', '7', '"text"', 'true', '[]', '[{"signature":"x"}]'])
      assert.equal(verdict(utf8(text)), 'not-an-object', text);
  });

  test('are nested as deep as fits: no harm done', () => {
    const nested = (text: string) => utf8(`{"signature":${text}`.slice(0, 1023));
    assert.equal(verdict(nested('['.repeat(2000))), 'not-json');
    const closed = (depth: number) => utf8(`{"signature":${'['.repeat(depth)}${']'.repeat(depth)}}`);
    const most = mostBytes('add_appointment', 65_536);
    for (const depth of [32, 500, 60_000]) assert.equal(verdict(closed(depth), most), 'not-json');
    const parsed = objectOf(closed(31), most);
    assert.ok(parsed.ok);
    assert.ok(!requests.add_appointment.parse(parsed.value).ok);
  });

  test('a prototype cannot be set by them', () => {
    const parsed = objectOf(utf8('{"__proto__":{"signature":"x"}}'));
    assert.ok(parsed.ok);
    assert.equal(parsed.value.signature, undefined);
    assert.ok(!requests.get_subscription_info.parse(parsed.value).ok);
  });
});
