import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  parseAddAppointment,
  parseGetAppointment,
  parseGetSubscriptionInfo,
  parseRegister,
} from '../../../actors/gateway/requests.js';
import { fromHex, utf8 } from '../../../events/bytes.js';
import { exchange } from '../../fixtures/teos-vectors.js';

const { userId, python, getAppointmentSignature, getSubscriptionInfoSignature } = exchange;
const { locator, blob, toSelfDelay, userSignature } = python;

const MOST = 64;
const appointment = { locator, encrypted_blob: blob, to_self_delay: toSelfDelay };

/** Each request as a function of its JSON, with one that is in order. */
const requests = {
  register: { parse: parseRegister, good: { user_id: userId } },
  add: {
    parse: (body: Uint8Array) => parseAddAppointment(body, MOST),
    good: { appointment, signature: userSignature },
  },
  get: { parse: parseGetAppointment, good: { locator, signature: getAppointmentSignature } },
  info: { parse: parseGetSubscriptionInfo, good: { signature: getSubscriptionInfoSignature } },
};
type Name = keyof typeof requests;
const names = Object.keys(requests) as Name[];

const parse = (name: Name, json: unknown) => requests[name].parse(utf8(JSON.stringify(json)));
const parseBytes = (name: Name, bytes: Uint8Array) => requests[name].parse(bytes);

/** What is wrong: `kind of field`; or that nothing is. */
const verdict = (parsed: ReturnType<typeof parse>) =>
  parsed.ok ? 'in order' : `${parsed.problem.kind} ${parsed.problem.field}`;

/** A request in order, but for one field (of the appointment, if it has one); `undefined` leaves the field out. */
function withField(name: Name, field: string, value: unknown): unknown {
  const { good } = requests[name];
  if (name === 'add' && field in appointment) return { ...good, appointment: { ...appointment, [field]: value } };
  return { ...good, [field]: value };
}

describe('a request in order', () => {
  test('is what it says', () => {
    assert.deepEqual(parse('register', requests.register.good), { ok: true, value: { userId, dialect: 'rust' } });
    assert.deepEqual(parse('register', { public_key: userId }), { ok: true, value: { userId, dialect: 'python' } });
    assert.deepEqual(parse('add', requests.add.good), {
      ok: true,
      value: { locator, blob: fromHex(blob), toSelfDelay, signature: userSignature },
    });
    assert.deepEqual(parse('get', requests.get.good), {
      ok: true,
      value: { locator, locatorText: locator, signature: getAppointmentSignature },
    });
    assert.deepEqual(parse('info', requests.info.good), { ok: true, value: requests.info.good });
  });

  test('may have fields that nobody knows, whatever is in them', () => {
    for (const name of names) {
      const more = { ...requests[name].good, more: [{ deep: null }], '': 1, constructor: 'x' };
      assert.equal(verdict(parse(name, more)), 'in order', name);
    }
    const inner = { ...requests.add.good, appointment: { ...appointment, more: 1 } };
    assert.equal(verdict(parse('add', inner)), 'in order');
  });

  test('with both keys is of the rust generation', () => {
    const both = parse('register', { public_key: '02', user_id: userId });
    assert.ok(both.ok);
    assert.deepEqual(both.value, { userId, dialect: 'rust' });
  });

  test('may have its hex in upper case; a locator to be signed keeps its spelling', () => {
    const upper = locator.toUpperCase();
    const values = [
      parse('register', { user_id: userId.toUpperCase() }),
      parse('add', withField('add', 'locator', upper)),
      parse('get', withField('get', 'locator', upper)),
      parse('add', withField('add', 'encrypted_blob', blob.toUpperCase())),
    ].map((parsed) => parsed.ok && parsed.value);
    assert.deepEqual(values, [
      { userId, dialect: 'rust' },
      { locator, blob: fromHex(blob), toSelfDelay, signature: userSignature },
      { locator, locatorText: upper, signature: getAppointmentSignature },
      { locator, blob: fromHex(blob), toSelfDelay, signature: userSignature },
    ]);
  });
});

describe('a field', () => {
  const ofString: [value: unknown, kind: string][] = [
    [undefined, 'missing'],
    [null, 'missing'],
    ['', 'empty'],
    [7, 'wrong-type'],
    [true, 'wrong-type'],
    [['aa'], 'wrong-type'],
    [{}, 'wrong-type'],
  ];
  const ofHex = (bytes: number): [value: unknown, kind: string][] => [
    ...ofString,
    ['a', 'wrong-size'],
    ['a'.repeat(2 * bytes - 1), 'wrong-size'],
    ['a'.repeat(2 * bytes + 2), 'wrong-size'],
    ['g'.repeat(2 * bytes), 'wrong-format'],
    [`${'a'.repeat(2 * bytes - 1)}\n`, 'wrong-format'],
    [`0x${'a'.repeat(2 * bytes - 2)}`, 'wrong-format'],
  ];
  const keys: [value: unknown, kind: string][] = [
    ...ofHex(33),
    [`04${userId.slice(2)}`, 'wrong-format'],
    [`02${'0'.repeat(64)}`, 'wrong-format'],
    [`02${'f'.repeat(64)}`, 'wrong-format'],
  ];

  const ofBlob: [value: unknown, kind: string][] = [
    ...ofString,
    ...['a', 'aaa', 'zz', 'aa\n'].map((text): [string, string] => [text, 'wrong-format']),
    ['aa'.repeat(MOST + 1), 'too-big'],
  ];
  const ofObject: [value: unknown, kind: string][] = [
    [undefined, 'missing'],
    [null, 'missing'],
    ...['', 7, true, [], [appointment]].map((value): [unknown, string] => [value, 'wrong-type']),
  ];

  const cases: [name: Name, field: string, cases: [value: unknown, kind: string][]][] = [
    ['register', 'user_id', keys],
    ['add', 'appointment', ofObject],
    ['add', 'locator', ofHex(16)],
    ['add', 'encrypted_blob', ofBlob],
    ['add', 'signature', ofString],
    ['get', 'locator', ofHex(16)],
    ['get', 'signature', ofString],
    ['info', 'signature', ofString],
  ];
  for (const [name, field, values] of cases)
    test(`${field} of ${name}: every way in which it can be wrong`, () => {
      for (const [value, kind] of values)
        assert.equal(verdict(parse(name, withField(name, field, value))), `${kind} ${field}`, JSON.stringify(value));
    });

  test('of several that are wrong, the first is named', () => {
    assert.equal(verdict(parse('add', {})), 'missing appointment');
    assert.equal(verdict(parse('add', { appointment: {}, signature: '' })), 'missing locator');
    assert.equal(verdict(parse('get', { locator: 'zz' })), 'wrong-size locator');
  });

  test("a python client's key is called by its own name, and wrong in the same ways", () => {
    for (const [value, kind] of keys.filter(([value]) => value !== undefined))
      assert.equal(verdict(parse('register', { public_key: value })), `${kind} public_key`, JSON.stringify(value));
    assert.equal(verdict(parse('register', {})), 'missing user_id');
  });

  test('a delay is a whole number of 32 bits', () => {
    const delay = (value: unknown) => verdict(parse('add', withField('add', 'to_self_delay', value)));
    for (const right of [0, 1, 20, 0xffffffff]) assert.equal(delay(right), 'in order');
    for (const missing of [undefined, null]) assert.equal(delay(missing), 'missing to_self_delay');
    for (const wrong of ['20', true, [], {}, 20.5]) assert.equal(delay(wrong), 'wrong-type to_self_delay');
    for (const small of [-1, -(2 ** 32)]) assert.equal(delay(small), 'too-small to_self_delay');
    for (const big of [2 ** 32, 2 ** 32 + 1, 2 ** 53, 1e20])
      assert.equal(delay(big), 'too-big to_self_delay', `${big}`);
  });

  test('a blob may have as many bytes as the limit, and not one more', () => {
    const of = (bytes: number) => verdict(parse('add', withField('add', 'encrypted_blob', 'ab'.repeat(bytes))));
    assert.equal(of(1), 'in order');
    assert.equal(of(MOST), 'in order');
    assert.equal(of(MOST + 1), 'too-big encrypted_blob');
  });
});

describe('bytes that are no request', () => {
  test('are too long, before they are parsed', () => {
    const noise = (bytes: number) => new Uint8Array(bytes).fill(0x7b);
    for (const name of names) {
      const most = name === 'add' ? 2 * MOST + 1024 : 1024;
      assert.equal(verdict(parseBytes(name, noise(most + 1))), 'too-long request');
      assert.equal(verdict(parseBytes(name, noise(most))), 'not-json request');
    }
  });

  test('are not JSON', () => {
    const texts = ['', ' ', '{', 'null}', '{"a":1,}', "{'a':1}", '{"a":NaN}', '\ufeff\ufeff{}'];
    for (const name of names)
      for (const text of texts) assert.equal(verdict(parseBytes(name, utf8(text))), 'not-json request', text);
  });

  test('are not UTF-8', () => {
    const bytes = Uint8Array.of(...utf8('{"a":"'), 0xc3, 0x28, ...utf8('"}'));
    for (const name of names) assert.equal(verdict(parseBytes(name, bytes)), 'not-json request');
  });

  test('are JSON, but no object', () => {
    for (const name of names)
      for (const text of ['null', '7', '"text"', 'true', '[]', '[{"signature":"x"}]'])
        assert.equal(verdict(parseBytes(name, utf8(text))), 'not-an-object request', text);
  });

  test('are nested as deep as fits: no harm done', () => {
    const nested = (text: string) => utf8(`{"signature":${text}`.slice(0, 1023));
    assert.equal(verdict(parseBytes('info', nested('['.repeat(2000)))), 'not-json request');
    const closed = `{"signature":${'['.repeat(500)}${']'.repeat(500)}}`;
    assert.equal(verdict(parseBytes('info', utf8(closed))), 'wrong-type signature');
    const deep = `{"signature":${'['.repeat(60_000)}${']'.repeat(60_000)}}`;
    assert.equal(verdict(parseAddAppointment(utf8(deep), 65_536)), 'missing appointment');
  });

  test('a prototype cannot be set by them', () => {
    assert.equal(verdict(parseBytes('info', utf8('{"__proto__":{"signature":"x"}}'))), 'missing signature');
  });
});
