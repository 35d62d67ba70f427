import assert from 'node:assert/strict';
import { test } from 'node:test';
import { be32, concat, fromHex, isHex, reversed, toHex, utf8 } from '../../events/bytes.js';

test('hex and back, in lower case; of a view, its own bytes alone', () => {
  assert.deepEqual(fromHex('00ffAb'), Uint8Array.of(0, 255, 171));
  assert.equal(toHex(Uint8Array.of(0, 255, 171)), '00ffab');
  assert.equal(toHex(Uint8Array.of(1, 2, 3, 4).subarray(1, 3)), '0203');
  assert.deepEqual(fromHex(''), new Uint8Array(0));
});

test('what is not hex of whole bytes is refused', () => {
  for (const text of ['0', '0g', '00 ', ' 00', '00\n', '0x00', 'é0', '००'])
    assert.throws(() => fromHex(text), RangeError, text);
  assert.ok(isHex('') && isHex('aB') && !isHex('a\n') && !isHex('aa\n'));
});

test('reversing gives a copy', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert.deepEqual(reversed(bytes), Uint8Array.of(3, 2, 1));
  assert.deepEqual(bytes, Uint8Array.of(1, 2, 3));
});

test('32-bit integers are big-endian and unsigned', () => {
  assert.equal(toHex(be32(1000)), '000003e8');
  assert.equal(toHex(be32(0xffffffff)), 'ffffffff');
  for (const wrong of [-1, 2 ** 32, 0.5, Number.NaN]) assert.throws(() => be32(wrong), RangeError);
});

test('parts become one, texts become UTF-8', () => {
  assert.deepEqual(concat(utf8('a'), new Uint8Array(0), utf8('é')), Uint8Array.of(0x61, 0xc3, 0xa9));
  assert.deepEqual(concat(), new Uint8Array(0));
});
