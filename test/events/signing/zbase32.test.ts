import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, toHex } from '../../../events/bytes.js';
import { decodeZbase32, decodeZbase32At, encodeZbase32 } from '../../../events/signing/zbase32.js';
import { notZbase32, signedMessages, zbase32Texts } from '../../fixtures/teos-vectors.js';
import { pseudoRandom } from './curves.js';

describe('zbase32', () => {
  for (const [hex, text] of zbase32Texts) {
    test(`0x${hex} is "${text}"`, () => {
      assert.equal(encodeZbase32(fromHex(hex)), text);
      assert.deepEqual(decodeZbase32(text), fromHex(hex));
    });
  }

  for (const text of notZbase32) {
    test(`"${text}" is not zbase32`, () => assert.equal(decodeZbase32(text), undefined));
  }

  test('a signature record is 104 characters', () => {
    for (const { signature, record } of signedMessages) {
      const bytes = decodeZbase32(signature);
      assert.equal(bytes?.length, 65);
      assert.equal(bytes && encodeZbase32(bytes), signature);
      if (record !== undefined) assert.equal(bytes && toHex(bytes), record);
    }
  });

  test('what is encoded decodes to the same, at every length, in either case', () => {
    for (let length = 0; length <= 32; length++) {
      const bytes = pseudoRandom('zbase32', length).slice(0, length);
      const text = encodeZbase32(bytes);
      assert.equal(text.length, Math.ceil((8 * length) / 5));
      assert.deepEqual(decodeZbase32(text), bytes);
      assert.deepEqual(decodeZbase32(text.toUpperCase()), bytes);
    }
  });

  test('a length that no byte count gives is refused', () => {
    for (let length = 0; length <= 24; length++) {
      const decoded = decodeZbase32('y'.repeat(length));
      assert.equal(decoded?.length, [1, 3, 6].includes(length % 8) ? undefined : Math.floor((5 * length) / 8));
    }
  });

  test('spare bits must be zero', () => {
    assert.deepEqual(decodeZbase32('yy'), fromHex('00'));
    for (const text of ['yb', 'yn', 'yyyb', 'yyyyb', 'yyyyyyb']) assert.equal(decodeZbase32(text), undefined, text);
    assert.deepEqual(decodeZbase32('yyyyyyyb'), fromHex('0000000001'));
  });

  test('characters beyond the alphabet are refused, though they fold to one of it or count as two', () => {
    for (const text of ['y\u212a', 'y\u{1f600}', '\u{1f600}', 'y ', 'y\n', 'y\0', 'yv', 'y2', 'y-']) {
      assert.equal(decodeZbase32(text), undefined, JSON.stringify(text));
    }
  });

  test('a text among other bytes is what it is by itself, and is refused for any byte that is no character of it', () => {
    const bytes = new Uint8Array([...pseudoRandom('among', 1), ...pseudoRandom('among', 2), 7]);
    const text = encodeZbase32(bytes);
    const room = new Uint8Array(65);
    const among = (middle: string) => Buffer.from(`..${middle}..`, 'latin1');
    for (const one of [text, text.toUpperCase()]) {
      room.fill(0);
      assert.equal(decodeZbase32At(among(one), 2, room), true);
      assert.deepEqual(room, bytes);
    }
    for (let at = 0; at < text.length; at++)
      for (const other of ['0', '\0', '\x7f', '\x80', '\xff'])
        assert.equal(decodeZbase32At(among(text.slice(0, at) + other + text.slice(at + 1)), 2, room), false);
    assert.equal(decodeZbase32At(among(text), 5, room), false, 'the rest of it, and what comes after');
    assert.equal(decodeZbase32At(among(text), 100, room), false, 'the bytes are over before it is');
    // Memory with less room takes the beginning of it, if that has no bits to spare.
    const less = new Uint8Array(32);
    const short = encodeZbase32(bytes.subarray(0, 32));
    assert.equal(decodeZbase32At(among(short), 2, less), true);
    assert.deepEqual(less, bytes.slice(0, 32));
    assert.equal(decodeZbase32At(among(`${short.slice(0, -1)}9`), 2, less), false);
    assert.equal(decodeZbase32At(Buffer.from(short.slice(0, 48)), 0, less), false, 'the end is missing');
  });
});
