import { toHex } from '../../events/bytes.js';
import type { Shard } from '../../events/ids.js';
import { isApiError, NO_MESSAGE_FOUND } from '../../events/log/api-errors.js';
import type { Following } from '../../events/log/commit-log.js';
import { LogDamagedError } from '../../events/log/errors.js';
import type { LogReader } from '../../events/log/log-reader.js';
import { towerStream, trimsStream } from '../../events/log/streams.js';
import { leafPieces } from '../../events/log/trims.js';
import { consistencyProof, inclusionProof, leafHash, rootOf } from '../../events/proofs/merkle.js';
import { TreeFile } from './tree-file.js';
import type { TreeProof, TreeQuestion } from './tree-wire.js';

export interface ShardTreeNeeds {
  readonly log: Pick<LogReader, 'jsm' | 'messages' | 'cut'>;
  readonly shard: Shard;
  readonly path: string;
  /** For the logs. */
  readonly tell: (news: string, error?: Error) => void;
  /** Called once, if the log cannot be followed any more. */
  readonly fail: (error: Error) => void;
}

/**
 * A shard's Merkle tree, kept level with the shard's stream. Lives in a thread of its own. Of a stream that was trimmed it takes
 * the hashes of all messages that were there, and compares what is left with them.
 */
export class ShardTree {
  readonly #file: TreeFile;
  #follower: Following | undefined;
  #waiting: { readonly size: number; readonly resolve: () => void }[] = [];
  #keeping: NodeJS.Timeout | undefined;
  /** Up to where what is left of a trimmed stream is still to be compared with the hashes; 0 if nothing is. */
  #toCompare = 0;
  #rebuilding: Promise<void> = Promise.resolve();

  /** Rejects with a `NatsError` if the log does not answer. */
  static async open(needs: ShardTreeNeeds): Promise<ShardTree> {
    const tree = new ShardTree(needs);
    const found = tree.#file.size;
    if (!(await tree.#isOfThisLog())) {
      needs.tell('the hashes kept are not those of this log; it is read anew');
      tree.#file.clear();
    } else needs.tell(`goes on behind ${found} hashes`);
    await tree.#follow();
    return tree;
  }

  private constructor(private readonly needs: ShardTreeNeeds) {
    this.#file = new TreeFile(needs.path);
  }

  async answer(question: TreeQuestion): Promise<string | TreeProof | null> {
    switch (question.what) {
      case 'root': {
        await this.#reached(question.size);
        this.#keepSoon();
        return toHex(rootOf(question.size, this.#file.subtrees));
      }
      case 'inclusion':
        await this.#reached(question.size);
        return inclusionProof(question.position - 1, question.size, this.#file.subtrees).map(toHex);
      case 'consistency':
        await this.#reached(question.size);
        return consistencyProof(question.from, question.size, this.#file.subtrees).map(toHex);
      case 'rebuild':
        this.#rebuilding = this.#rebuilding.then(() => this.#rebuild());
        await this.#rebuilding;
        return null;
    }
  }

  /** Follows the log no more. */
  stop(): void {
    this.#follower?.stop();
    clearTimeout(this.#keeping);
  }

  async #rebuild(): Promise<void> {
    this.#follower?.stop();
    this.#file.clear();
    await this.#follow().catch((error) => {
      this.needs.fail(error);
      throw error;
    });
  }

  async #follow(): Promise<void> {
    const { log, shard, fail, tell } = this.needs;
    const cut = await log.cut(towerStream(shard));
    this.#toCompare = this.#file.size < cut ? cut : 0;
    if (this.#toCompare > 0) await this.#takeLeaves(cut);
    this.#follower = log.messages({
      stream: towerStream(shard),
      after: this.#toCompare > 0 ? 0 : this.#file.size,
      onMessage: ({ data, position }) => this.#append(data, position),
      onFailure: fail,
      onWait: (error) => tell('waiting for the stream', error),
    });
  }

  /** Of a stream that was trimmed: the hashes of all that was there, from the beginning on. */
  async #takeLeaves(cut: number): Promise<void> {
    const { log, shard } = this.needs;
    this.#file.clear();
    for await (const { data } of leafPieces(log.jsm, shard))
      for (let at = 0; at < data.length && this.#file.size < cut; at += HASH) this.#add(data.slice(at, at + HASH));
    if (this.#file.size < cut)
      throw new LogDamagedError(`${trimsStream(shard)} has only ${this.#file.size} hashes of ${cut}`);
  }

  /** What is left of a stream that was trimmed has to be what was there. Nothing is answered, or kept, before that is known. */
  #append(data: Uint8Array, position: number): void {
    const leaf = leafHash(data);
    if (position > this.#file.size) this.#add(leaf);
    else if (toHex(leaf) !== toHex(this.#file.subtrees(0, position - 1)))
      throw new LogDamagedError(
        `message ${position} of ${towerStream(this.needs.shard)} is not the one that was there when it was trimmed`,
      );
    if (position !== this.#toCompare) return;
    this.#toCompare = 0;
    this.#grown();
  }

  #add(leaf: Uint8Array): void {
    this.#file.append(leaf);
    if (this.#toCompare === 0) this.#grown();
  }

  #grown(): void {
    const { size, kept } = this.#file;
    if (size - kept >= KEEP_EVERY) this.#file.keep();
    if (this.#waiting.length === 0) return;
    for (const { resolve } of this.#waiting.filter((one) => one.size <= size)) resolve();
    this.#waiting = this.#waiting.filter((one) => one.size > size);
  }

  async #reached(size: number): Promise<void> {
    if (this.#file.size >= size && this.#toCompare === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push({ size, resolve }));
  }

  /** Not at once: at a block the disk is wanted for more than this. */
  #keepSoon(): void {
    this.#keeping ??= setTimeout(() => {
      this.#keeping = undefined;
      if (this.#toCompare === 0) this.#file.keep();
    }, KEEP_MS);
  }

  /** Whether the last leaf kept is what the log has there. */
  async #isOfThisLog(): Promise<boolean> {
    const { size, subtrees } = this.#file;
    if (size === 0) return true;
    try {
      const { data } = await this.needs.log.jsm.streams.getMessage(towerStream(this.needs.shard), { seq: size });
      return toHex(leafHash(data)) === toHex(subtrees(0, size - 1));
    } catch (error) {
      if (isApiError(error, NO_MESSAGE_FOUND)) return false;
      throw error;
    }
  }
}

/** After how many leaves more, at the most, what is hashed is brought to the disk; and how long after a root was asked, in ms. */
const KEEP_EVERY = 65_536;
const HASH = 32;
const KEEP_MS = 5_000;
