import type { Secp256k1 } from './curve.js';
import { loadNativeSecp256k1 } from './secp256k1-native.js';
import { nobleSecp256k1 } from './secp256k1-noble.js';

/** The curve as this process computes it: libsecp256k1 where its binding loads, else noble. Its `name` says which. */
export const secp256k1: Secp256k1 = loadNativeSecp256k1() ?? nobleSecp256k1;
