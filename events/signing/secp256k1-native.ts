import { createRequire } from 'node:module';
import type * as Binding from 'secp256k1';
import { guarded, type Secp256k1 } from './curve.js';

/**
 * Loads the binding of npm `secp256k1` to libsecp256k1. The package's main file would quietly put a slow
 * JavaScript library in its place where no binary fits; this file of it holds the binding or throws.
 */
const requireBinding = (): typeof Binding => createRequire(import.meta.url)('secp256k1/bindings.js');

/**
 * libsecp256k1 behind the `Secp256k1` interface, or `undefined` where its binding does not load (no prebuilt binary
 * for the platform, or the package left out). Never throws. `load` is another loader, for tests.
 */
export function loadNativeSecp256k1(load: () => typeof Binding = requireBinding): Secp256k1 | undefined {
  let binding: typeof Binding;
  try {
    binding = load();
  } catch {
    return undefined;
  }
  return guarded({
    name: 'libsecp256k1 (native)',
    publicKey: (secret) => binding.publicKeyCreate(secret, true),
    signRecoverable(digest, secret) {
      const { signature, recid } = binding.ecdsaSign(digest, secret);
      return { signature, recoveryId: recid };
    },
    recover: (digest, signature, recoveryId) => binding.ecdsaRecover(signature, recoveryId, digest, true),
    isValidPublicKey: (bytes) => binding.publicKeyVerify(bytes),
    isValidSecretKey: (bytes) => binding.privateKeyVerify(bytes),
  });
}
