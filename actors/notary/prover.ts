import { fromHex } from '../../events/bytes.js';
import type { Succession } from '../../events/identity.js';
import type { Position, Shard } from '../../events/ids.js';
import type { HeadStore, StoredHead } from '../../events/log/heads.js';
import { leafHash, verifyInclusion } from '../../events/proofs/merkle.js';
import { headHash, treeOf } from '../../events/tree-head.js';
import type { Proven, Refusal } from '../outcomes.js';
import { inTime } from '../runtime/in-time.js';
import type { TreeKeeper } from './tree-keeper.js';

/** Which proof is asked for: under the head of a size, the newest unless told; and from an older tree on, if it is told. */
export interface AskedProof {
  readonly size?: number | undefined;
  readonly from?: number | undefined;
}

/** Proves to users what is on the log, under the heads that were signed. */
export class Prover {
  /** The head for which the tree was made anew last: that is done once. */
  #rebuiltFor: string | undefined;

  constructor(private readonly needs: ProverNeeds) {}

  /** The proof for the message at a position. Rejects with `LogUnavailableError` if the log does not answer. */
  async prove(shard: Shard, position: Position, { size, from }: AskedProof): Promise<Proven | Refusal> {
    const { heads, message } = this.needs;
    const stored = size === undefined ? await heads.last(shard) : await heads.ofSize(shard, size);
    if (!stored && size !== undefined) return { kind: 'head-not-found', size };
    if (!stored || stored.head.treeSize < position) return { kind: 'not-under-head', position };
    if (from !== undefined && from > stored.head.treeSize) return { kind: 'head-not-found', size: from };
    const bytes = await message(shard, position);
    const proofs = await this.#proofs(shard, position, stored, from);
    if (proofs && verifyInclusion(leafHash(bytes), position - 1, treeOf(stored.head), proofs.inclusion.map(fromHex)))
      return {
        kind: 'proven',
        head: stored.head,
        position,
        commit: Buffer.from(bytes).toString('utf8'),
        ...proofs,
        ...this.#kin(),
      };
    if (proofs) await this.#mend(shard, stored);
    return { kind: 'proof-unavailable' };
  }

  /** The statements that lead from the identity which the user knows to the one that signed the head. */
  #kin(): { successions?: Succession[] } {
    const successions = this.needs.successions?.() ?? [];
    return successions.length > 0 ? { successions: [...successions] } : {};
  }

  /** Undefined if the thread that hashes does not answer in time. */
  async #proofs(shard: Shard, position: Position, { head }: StoredHead, from: number | undefined) {
    const { trees } = this.needs;
    const asked = [trees.inclusion(shard, position, head.treeSize)];
    if (from !== undefined) asked.push(trees.consistency(shard, from, head.treeSize));
    const [inclusion, consistency] = (await inTime(Promise.all(asked), PATIENCE_MS)) ?? [];
    return inclusion && { inclusion, ...(consistency && { consistency }) };
  }

  /** The files are damaged, or the head is not of this log: that the Notary finds out. */
  async #mend(shard: Shard, { head }: StoredHead): Promise<void> {
    const hash = headHash(head);
    if (this.#rebuiltFor === hash) return;
    this.#rebuiltFor = hash;
    await this.needs.trees.rebuild(shard).catch(() => {});
  }
}

/** How long the thread that hashes may take, in ms: it may just have begun with the log. */
const PATIENCE_MS = 2_000;

export interface ProverNeeds {
  /** The statements by which the tower began other identities. */
  readonly successions?: () => readonly Succession[];
  readonly heads: Pick<HeadStore, 'last' | 'ofSize'>;
  readonly trees: Pick<TreeKeeper, 'inclusion' | 'consistency' | 'rebuild'>;
  /** The bytes of a message of a shard's log. */
  readonly message: (shard: Shard, position: Position) => Promise<Uint8Array>;
}
