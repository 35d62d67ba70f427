import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, fromHex, toHex } from '../../../events/bytes.js';
import { exchange, signedMessages } from '../../fixtures/teos-vectors.js';
import { agreed, curves, pseudoRandom } from './curves.js';

/** The order of the group, and the prime of the field. */
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const P = 2n ** 256n - 2n ** 32n - 977n;

const bytes32 = (n: bigint) => fromHex(n.toString(16).padStart(64, '0'));
const numberOf = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);
const digest = pseudoRandom('digest', 0);
const secret = pseudoRandom('secret', 0);

/** The key that all implementations recover, as hex, or 'none'. */
const recovered = (hash: Uint8Array, r: bigint, s: bigint, recoveryId: number) =>
  agreed((curve) => {
    const key = curve.recover(hash, concat(bytes32(r), bytes32(s)), recoveryId);
    return key === undefined ? 'none' : toHex(key);
  });

const publicKeyOf = (secretKey: Uint8Array) => agreed((curve) => toHex(curve.publicKey(secretKey)));

const sign = (hash: Uint8Array, secretKey: Uint8Array) => {
  const { signature, recoveryId } = agreed((curve) => {
    const signed = curve.signRecoverable(hash, secretKey);
    assert.equal(signed.signature.length, 64);
    return { signature: toHex(signed.signature), recoveryId: signed.recoveryId };
  });
  const [r, s] = [signature.slice(0, 64), signature.slice(64)].map((hex) => BigInt(`0x${hex}`));
  assert.ok(r !== undefined && s !== undefined);
  return { r, s, recoveryId };
};

describe(`the curve, by ${curves.map(({ name }) => name).join(' and ')}`, () => {
  test('public keys', () => {
    assert.equal(publicKeyOf(fromHex(exchange.userSecret)), exchange.userId);
    assert.equal(publicKeyOf(fromHex(exchange.towerSecret)), exchange.towerId);
    for (const known of signedMessages) {
      if (known.secret !== undefined) assert.equal(publicKeyOf(fromHex(known.secret)), known.publicKey);
    }
    assert.equal(publicKeyOf(bytes32(N - 1n)), exchange.userId.replace(/^02/, '03'), 'minus one');
  });

  test('300 keys sign 300 digests with equal bytes, low s, and are recovered', () => {
    const ids = new Set<number>();
    for (let n = 0; n < 300; n++) {
      const [hash, secretKey] = [pseudoRandom('digest', n), pseudoRandom('secret', n)];
      const { r, s, recoveryId } = sign(hash, secretKey);
      assert.ok(s <= N / 2n);
      assert.equal(recovered(hash, r, s, recoveryId), publicKeyOf(secretKey));
      ids.add(recoveryId);
    }
    assert.deepEqual([...ids].sort(), [0, 1]);
  });

  test('a high s gives the same signer', () => {
    const { r, s, recoveryId } = sign(digest, secret);
    assert.equal(recovered(digest, r, N - s, recoveryId ^ 1), publicKeyOf(secret));
    assert.notEqual(recovered(digest, r, N - s, recoveryId), publicKeyOf(secret));
  });

  test('r and s out of range give nobody', () => {
    const { r, s } = sign(digest, secret);
    for (const recoveryId of [0, 1, 2, 3]) {
      for (const bad of [0n, N, N + 1n, P - 1n, P, 2n ** 256n - 1n]) {
        assert.equal(recovered(digest, bad, s, recoveryId), 'none');
        assert.equal(recovered(digest, r, bad, recoveryId), 'none');
      }
    }
  });

  test('recovery ids 2 and 3 mean a point beyond the group order', () => {
    const { r, s } = sign(digest, secret);
    assert.equal(recovered(digest, r, s, 2), 'none', 'r + n is no element of the field');
    assert.equal(recovered(digest, r, s, 3), 'none');
    const answers = new Set<string>();
    for (let small = 1n; small <= 12n; small++) {
      for (const recoveryId of [0, 1, 2, 3]) answers.add(recovered(digest, small, s, recoveryId));
    }
    assert.ok(answers.has('none'), 'some r are no x of a point');
    assert.ok(answers.size > 12, `${answers.size} different answers`);
    for (const [r, recoveryId] of [
      [P - N - 1n, 2],
      [P - N, 2],
      [P - N + 1n, 3],
    ] as const) {
      assert.equal(typeof recovered(digest, r, s, recoveryId), 'string');
    }
    assert.equal(recovered(digest, P - N, s, 2), 'none');
  });

  test('a key at infinity is nobody: R = G, s = digest', () => {
    const gx = numberOf(fromHex(exchange.userId.slice(2)));
    assert.ok(numberOf(digest) < N);
    assert.equal(recovered(digest, gx, numberOf(digest), 0), 'none');
    assert.notEqual(recovered(digest, gx, numberOf(digest), 1), 'none');
  });

  test('digests at the edges recover alike', () => {
    const { r, s, recoveryId } = sign(digest, secret);
    for (const edge of [0n, 1n, N - 1n, N, N + 1n, 2n ** 256n - 1n]) {
      assert.notEqual(recovered(bytes32(edge), r, s, recoveryId), 'none');
    }
    assert.equal(recovered(bytes32(0n), r, s, recoveryId), recovered(bytes32(N), r, s, recoveryId));
  });

  test('an altered signature never throws and never gives the signer', () => {
    const { r, s, recoveryId } = sign(digest, secret);
    const signature = concat(bytes32(r), bytes32(s));
    for (let at = 0; at < 64; at++) {
      const altered = Uint8Array.from(signature, (byte, n) => (n === at ? byte ^ 0x41 : byte));
      const key = recovered(digest, numberOf(altered.subarray(0, 32)), numberOf(altered.subarray(32)), recoveryId);
      assert.notEqual(key, publicKeyOf(secret));
    }
  });

  test('a signature of another length, or an id that is none, gives nobody', () => {
    for (const curve of curves) {
      const { signature, recoveryId } = curve.signRecoverable(digest, secret);
      assert.ok(curve.recover(digest, signature, recoveryId));
      for (const length of [0, 32, 63]) {
        assert.equal(curve.recover(digest, signature.subarray(0, length), recoveryId), undefined);
      }
      assert.equal(curve.recover(digest, concat(signature, Uint8Array.of(0)), recoveryId), undefined);
      for (const id of [-31, -1, 4, 0.5, 27, 256, Number.NaN]) {
        assert.equal(curve.recover(digest, signature, id), undefined, `${id}`);
      }
    }
  });

  test('a digest of another length, or a secret key that is none, is a bug', () => {
    for (const curve of curves) {
      const { signature, recoveryId } = curve.signRecoverable(digest, secret);
      for (const notDigest of [new Uint8Array(0), digest.subarray(1), concat(digest, Uint8Array.of(0))]) {
        assert.throws(() => curve.signRecoverable(notDigest, secret), RangeError);
        assert.throws(() => curve.recover(notDigest, signature, recoveryId), RangeError);
      }
      for (const notSecret of [new Uint8Array(0), secret.subarray(1), bytes32(0n), bytes32(N)]) {
        assert.throws(() => curve.signRecoverable(digest, notSecret), RangeError);
        assert.throws(() => curve.publicKey(notSecret), RangeError);
      }
    }
  });

  test('which bytes are secret keys', () => {
    const isValid = (bytes: Uint8Array) => agreed((curve) => curve.isValidSecretKey(bytes));
    for (const key of [1n, 2n, N - 1n]) assert.equal(isValid(bytes32(key)), true);
    for (const key of [0n, N, N + 1n, 2n ** 256n - 1n]) assert.equal(isValid(bytes32(key)), false);
    for (const length of [0, 31, 33, 64]) assert.equal(isValid(new Uint8Array(length).fill(1)), false);
  });

  test('which bytes are public keys', () => {
    const isValid = (hex: string) => agreed((curve) => curve.isValidPublicKey(fromHex(hex)));
    const x = exchange.userId.slice(2);
    const y = '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';
    assert.equal(isValid(`02${x}`), true);
    assert.equal(isValid(`03${x}`), true);
    for (const head of ['00', '01', '04', '05', '06', '07', 'ff']) assert.equal(isValid(head + x), false, head);
    assert.equal(isValid(`04${x}${y}`), false, 'a valid key, but not compressed');
    assert.equal(isValid(`06${x}${y}`), false);
    for (const hex of ['', '02', x, `02${x.slice(2)}`, `02${x}00`]) assert.equal(isValid(hex), false, hex);
    for (const bad of [0n, P, 2n ** 256n - 1n]) assert.equal(isValid(`02${toHex(bytes32(bad))}`), false);
    const valid = Array.from({ length: 100 }, (_, n) => isValid(`02${toHex(pseudoRandom('x', n))}`));
    assert.ok(valid.includes(true) && valid.includes(false), 'about half of all x have a point');
  });
});
