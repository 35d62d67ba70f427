import { createHash } from 'node:crypto';
import { be32, concat, utf8 } from '../../../events/bytes.js';
import type { Secp256k1 } from '../../../events/signing/curve.js';
import { loadNativeSecp256k1 } from '../../../events/signing/secp256k1-native.js';
import { nobleSecp256k1 } from '../../../events/signing/secp256k1-noble.js';

/** Both implementations of the curve, or noble alone where the native one has no binary. */
export const curves: readonly Secp256k1[] = [nobleSecp256k1, loadNativeSecp256k1() ?? []].flat();

/** 32 bytes that look random and are the same each time, for the n-th thing called `label`. */
export const pseudoRandom = (label: string, n: number): Uint8Array =>
  new Uint8Array(
    createHash('sha256')
      .update(concat(utf8(label), be32(n)))
      .digest(),
  );

/** What all of `curves` answer; throws if they do not all answer the same. */
export function agreed<Answer>(ask: (curve: Secp256k1) => Answer): Answer {
  const [first, ...others] = curves.map((curve) => ({ name: curve.name, answer: ask(curve) }));
  if (first === undefined) throw new Error('no curve');
  for (const other of others) {
    if (JSON.stringify(other.answer) !== JSON.stringify(first.answer)) {
      throw new Error(`${other.name} answers ${other.answer}, but ${first.name} ${first.answer}`);
    }
  }
  return first.answer;
}
