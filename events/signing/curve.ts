/**
 * What Argus needs of the curve secp256k1, and the one place where arguments are checked, so that every library that
 * stands behind the interface decides alike about all of them.
 */

/** An ECDSA signature from which its signer's key can be recovered. */
export interface RecoverableSignature {
  /** r (32 bytes, big-endian), then s (32 bytes, big-endian), s in the lower half of the group order. */
  readonly signature: Uint8Array;
  /** Which of the up to four candidate keys is the signer's: 0 to 3. */
  readonly recoveryId: number;
}

/** Recoverable ECDSA over secp256k1 (SEC 1, RFC 6979), synchronous. */
export interface Secp256k1 {
  /** Which library does the work, for people to read. */
  readonly name: string;

  /** The compressed public key, 33 bytes, of a secret key. Throws a `RangeError` on one that is not valid. */
  publicKey(secret: Uint8Array): Uint8Array;

  /**
   * The signature of a 32-byte digest: nonce by RFC 6979 with no extra entropy, low s, so the same for the same
   * arguments in every library. Throws a `RangeError` on a digest of another length or a secret key that is not valid.
   *
   * (The one exception: for a digest that is not below the group order, which SHA-256 gives once in 2^128 times,
   * libsecp256k1 feeds it to RFC 6979 as it is and noble reduces it first. Either signature is valid.)
   */
  signRecoverable(digest: Uint8Array, secret: Uint8Array): RecoverableSignature;

  /**
   * The compressed public key, 33 bytes, whose owner signed `digest`, or `undefined` if there is none: a signature not
   * of 64 bytes, a recovery id outside 0 to 3, r or s zero or not below the group order, no point at r, or a key that
   * would be the point at infinity. A high s is accepted, as both existing towers and Core Lightning do: whoever holds
   * a signature can make its high twin, but that names the same signer and the same message.
   * Throws a `RangeError` on a digest that is not 32 bytes, because a digest is never outside data.
   */
  recover(digest: Uint8Array, signature: Uint8Array, recoveryId: number): Uint8Array | undefined;

  /** Whether `bytes` are a compressed public key: 33 bytes, 02 or 03, the x of a point on the curve. Never throws. */
  isValidPublicKey(bytes: Uint8Array): boolean;

  /** Whether `bytes` are a secret key: 32 bytes, big-endian, at least 1 and below the group order. Never throws. */
  isValidSecretKey(bytes: Uint8Array): boolean;
}

/**
 * A library's own curve operations with every argument checked first, as `Secp256k1` promises. The library may rely
 * on the lengths and on valid secret keys; what its `recover` throws means that there is no such key.
 */
export function guarded(library: Secp256k1): Secp256k1 {
  const isValidSecretKey = (bytes: Uint8Array) => bytes.length === 32 && library.isValidSecretKey(bytes);
  const checkSecret = (secret: Uint8Array) => {
    if (!isValidSecretKey(secret)) throw new RangeError('not a secp256k1 secret key');
  };
  const checkDigest = (digest: Uint8Array) => {
    if (digest.length !== 32) throw new RangeError(`a digest is 32 bytes, not ${digest.length}`);
  };
  return {
    name: library.name,
    publicKey(secret) {
      checkSecret(secret);
      return library.publicKey(secret);
    },
    signRecoverable(digest, secret) {
      checkDigest(digest);
      checkSecret(secret);
      return library.signRecoverable(digest, secret);
    },
    recover(digest, signature, recoveryId) {
      checkDigest(digest);
      if (signature.length !== 64 || ![0, 1, 2, 3].includes(recoveryId)) return undefined;
      try {
        return library.recover(digest, signature, recoveryId);
      } catch {
        return undefined;
      }
    },
    isValidPublicKey: (bytes) => bytes.length === 33 && library.isValidPublicKey(bytes),
    isValidSecretKey,
  };
}
