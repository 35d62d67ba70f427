import { fromHex, toHex } from '../../../events/bytes.js';
import type { TowerId } from '../../../events/ids.js';
import { leafHash } from '../../../events/proofs/merkle.js';
import { recoverSigner } from '../../../events/signing/message.js';
import { decodeHead, headMessage, type TreeHead } from '../../../events/tree-head.js';
import { RightEdge } from '../../../projections/merkle/post-order.js';
import type { AuditMessage } from '../audit-source.js';
import { ArchiveError } from './errors.js';
import type { ArchiveHeader } from './header.js';

/** The tree over a shard's messages as they are gone through, and what of the tower's heads is to be said of it. */
export class GrowingTree {
  #edge: RightEdge;

  /** `edge`: as the header of a file has it. */
  constructor(edge: ArchiveHeader['edge'] = []) {
    this.#edge = RightEdge.restored(edge.map((hash) => (hash === null ? undefined : fromHex(hash))));
  }

  /** As the header of the file that begins here has it. */
  get edge(): (string | null)[] {
    return Array.from(this.#edge.save(), (hash) => (hash ? toHex(hash) : null));
  }

  get root(): string {
    return toHex(this.#edge.root());
  }

  add({ data }: Pick<AuditMessage, 'data'>): void {
    this.#edge.add(leafHash(data));
  }

  /** Adds each message that goes through. */
  async *through(batches: AsyncIterable<readonly AuditMessage[]>): AsyncGenerator<readonly AuditMessage[]> {
    for await (const batch of batches) {
      for (const message of batch) this.add(message);
      yield batch;
    }
  }

  /** What is wrong with a head over all that was added, which one of the tower's identities signs; undefined if nothing is. */
  wrongWith(head: TreeHead, identities: readonly TowerId[]): string | undefined {
    const of = `the head of shard ${head.shard} over ${head.treeSize} messages`;
    const signer: string | undefined = recoverSigner(headMessage(head), head.signature);
    if (!identities.some((one) => one === signer)) return `${of} is not signed by the tower`;
    return head.root === this.root ? undefined : `${of} has another root than they have`;
  }
}

/** The head in a message of `CHECKPOINTS`. Throws `ArchiveError` if there is none. */
export function headIn({ stream, position, subject, data }: AuditMessage): TreeHead {
  try {
    const head = decodeHead(data);
    if (subject === `argus.checkpoint.${head.shard}`) return head;
  } catch (cause) {
    throw new ArchiveError(`${stream} ${position}`, 'this is no tree head', { cause });
  }
  throw new ArchiveError(`${stream} ${position}`, `this is no head of ${subject}`);
}
