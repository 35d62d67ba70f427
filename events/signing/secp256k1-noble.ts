import { createHash, createHmac } from 'node:crypto';
import { getPublicKey, hashes, recoverPublicKey, sign, utils } from '@noble/secp256k1';
import { concat } from '../bytes.js';
import { guarded, type Secp256k1 } from './curve.js';

// noble carries no hash functions of its own: without these its synchronous calls throw.
hashes.sha256 = (message) => new Uint8Array(createHash('sha256').update(message).digest());
hashes.hmacSha256 = (key, message) => new Uint8Array(createHmac('sha256', key).update(message).digest());

/**
 * `@noble/secp256k1` behind the `Secp256k1` interface: plain JavaScript, so it runs everywhere, but recovers a key
 * some forty times slower than libsecp256k1.
 */
export const nobleSecp256k1: Secp256k1 = guarded({
  name: '@noble/secp256k1 (JavaScript)',
  publicKey: (secret) => getPublicKey(secret, true),
  signRecoverable(digest, secret) {
    const record = sign(digest, secret, { prehash: false, lowS: true, extraEntropy: false, format: 'recovered' });
    const [recoveryId = 0] = record;
    return { signature: record.slice(1), recoveryId };
  },
  recover: (digest, signature, recoveryId) =>
    recoverPublicKey(concat(Uint8Array.of(recoveryId), signature), digest, { prehash: false }),
  isValidPublicKey: (bytes) => utils.isValidPublicKey(bytes, true),
  isValidSecretKey: (bytes) => utils.isValidSecretKey(bytes),
});
