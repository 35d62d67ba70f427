import { z } from 'zod';
import type { TowerId } from '../../events/ids.js';
import { signerIs } from '../../events/signing/message.js';
import { headMessage, TreeHead } from '../../events/tree-head.js';
import { InputError, inputName, readText } from '../input.js';

const Known = z.union([
  TreeHead.transform((head) => [head]),
  z
    .object({ proof: z.object({ head: TreeHead }), older: TreeHead.optional() })
    .transform(({ proof, older }) => (older ? [older, proof.head] : [proof.head])),
]);

/** A head, and what it is called. */
export interface KnownHead {
  readonly head: TreeHead;
  readonly name: string;
}

/**
 * The heads in a file that somebody has kept: a head as `CHECKPOINTS` has it, or a proof as the client library writes it. Rejects
 * with `InputError`.
 */
export async function readHeads(file: string): Promise<KnownHead[]> {
  const text = await readText(file);
  try {
    const heads = Known.parse(JSON.parse(text));
    return heads.map((head) => ({ head, name: `the head over ${head.treeSize} messages in ${inputName(file)}` }));
  } catch (cause) {
    throw new InputError(`${inputName(file)} holds no tree head and no proof`, { cause });
  }
}

const isBy = ({ head }: KnownHead, identities: readonly TowerId[]): boolean =>
  identities.some((one) => signerIs(headMessage(head), head.signature, one));

/** Whether one of these identities has signed each of the heads. */
export const areSigned = (heads: readonly KnownHead[], identities: readonly TowerId[]): boolean =>
  heads.every((head) => isBy(head, identities));

/** A head that the tower never signed says nothing about it. Throws `InputError`. */
export function checkSigned(heads: readonly KnownHead[], identities: readonly TowerId[]): void {
  const other = heads.find((head) => !isBy(head, identities));
  if (other) throw new InputError(`${other.name} is not signed by tower ${identities[0]}`);
}
