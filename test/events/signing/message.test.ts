import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, fromHex, sha256, toHex, utf8 } from '../../../events/bytes.js';
import { TowerId, UserId } from '../../../events/ids.js';
import {
  messageDigest,
  recoverSigner,
  signatureRecord,
  signerIs,
  signMessage,
} from '../../../events/signing/message.js';
import { encodeZbase32 } from '../../../events/signing/zbase32.js';
import { exchange, notSignatures, signedMessages } from '../../fixtures/teos-vectors.js';
import { agreed, curves, pseudoRandom } from './curves.js';

const signerOf = (message: Uint8Array, signature: string) =>
  agreed((curve) => recoverSigner(message, signature, curve) ?? 'nobody');

const message = utf8('a message');
const secret = pseudoRandom('secret', 7);
const signature = signMessage(message, secret);
const signer = signerOf(message, signature);
const record = signatureRecord(signature);
assert.ok(record);

describe('signed messages', () => {
  for (const known of signedMessages) {
    test(`"${known.message}": ${known.source}`, () => {
      const bytes = utf8(known.message);
      assert.equal(signerOf(bytes, known.signature), known.publicKey);
      assert.equal(recoverSigner(bytes, known.signature), known.publicKey);
      if (known.secret !== undefined) {
        const secretKey = fromHex(known.secret);
        for (const curve of curves) assert.equal(signMessage(bytes, secretKey, curve), known.signature, curve.name);
        assert.equal(signMessage(bytes, secretKey), known.signature);
      }
      if (known.record !== undefined) {
        const decoded = signatureRecord(known.signature);
        assert.equal(decoded && toHex(decoded), known.record);
      }
    });
  }

  for (const text of notSignatures) {
    test(`"${text}" is no signature`, () => {
      assert.equal(signatureRecord(text), undefined);
      assert.equal(signerOf(utf8('Test message'), text), 'nobody');
    });
  }

  test('the digest is the double SHA-256 of prefix and message', () => {
    // Computed with `printf 'Lightning Signed Message:' | sha256sum | cut -c1-64 | xxd -r -p | sha256sum`.
    assert.equal(
      toHex(messageDigest(new Uint8Array(0))),
      'dff05719125534329ba4f51825a452b7abbdc17f52cd8193bc4b134e126d91f3',
    );
  });

  test('300 keys sign 300 messages of many lengths alike, and are known by them', () => {
    for (let n = 0; n < 300; n++) {
      const text = concat(...Array.from({ length: n % 7 }, (_, part) => pseudoRandom(`message ${part}`, n)));
      const secretKey = pseudoRandom('message secret', n);
      const signed = agreed((curve) => signMessage(text, secretKey, curve));
      assert.match(signed, /^[a-z0-9]{104}$/);
      assert.equal(
        signerOf(text, signed),
        agreed((curve) => toHex(curve.publicKey(secretKey))),
      );
    }
  });

  test('in upper case it is the same signature', () => {
    assert.equal(signerOf(message, signature.toUpperCase()), signer);
  });

  test('an altered character never throws and never gives the signer', () => {
    for (let at = 0; at < signature.length; at++) {
      const other = signature.charAt(at) === 'y' ? 'b' : 'y';
      for (const char of [other, '0', '']) {
        const altered = signature.slice(0, at) + char + signature.slice(at + 1);
        const found = signerOf(message, altered);
        assert.notEqual(found, signer);
        if (char !== other) assert.equal(found, 'nobody');
      }
    }
  });

  test('an altered message gives another signer', () => {
    for (const other of ['', 'a messag', 'a message ', 'A message']) {
      assert.notEqual(signerOf(utf8(other), signature), signer);
    }
  });

  test('only the headers 31 to 34 are valid, and 33 and 34 hardly ever have a point', () => {
    const { length } = Array.from({ length: 256 }).filter((_, header) => {
      const altered = encodeZbase32(concat(Uint8Array.of(header), record.subarray(1)));
      const found = signerOf(message, altered);
      assert.ok(found === 'nobody' || header === 31 || header === 32, `header ${header}`);
      return found !== 'nobody';
    });
    assert.equal(length, 2);
  });

  test('64 and 66 bytes are no record', () => {
    for (const bytes of [record.subarray(0, 64), concat(record, Uint8Array.of(0)), new Uint8Array(0)]) {
      assert.equal(signerOf(message, encodeZbase32(bytes)), 'nobody');
    }
  });

  test('records of pseudo-random bytes never throw', () => {
    for (let n = 0; n < 100; n++) {
      const text = encodeZbase32(concat(Uint8Array.of(31 + (n % 4)), pseudoRandom('r', n), pseudoRandom('s', n)));
      assert.match(signerOf(message, text), /^(nobody|0[23][0-9a-f]{64})$/);
    }
  });

  test('a digest is of its own message alone, however long the one before it was', () => {
    const prefix = utf8('Lightning Signed Message:');
    const into = new Uint8Array(32);
    for (const length of [0, 3, 1000, 1001, 70_000, 999, 0]) {
      const long = new Uint8Array(length).fill(length);
      const wanted = toHex(sha256(sha256(concat(prefix, long))));
      assert.equal(toHex(messageDigest(long)), wanted);
      assert.equal(messageDigest(long, into), into);
      assert.equal(toHex(into), wanted);
    }
  });

  test('signerIs compares with a user or a tower', () => {
    const signed = signMessage(message, fromHex(exchange.towerSecret));
    for (const curve of [undefined, ...curves]) {
      assert.equal(signerIs(message, signed, TowerId.parse(exchange.towerId), curve), true);
      assert.equal(signerIs(message, signed, UserId.parse(exchange.userId), curve), false);
      assert.equal(signerIs(utf8('another'), signed, TowerId.parse(exchange.towerId), curve), false);
      assert.equal(signerIs(message, 'aaaaaaaa', TowerId.parse(exchange.towerId), curve), false);
    }
  });

  test('a secret key that is none is a bug', () => {
    assert.throws(() => signMessage(message, new Uint8Array(32)), RangeError);
  });
});
