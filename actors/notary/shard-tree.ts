import { toHex } from '../../events/bytes.js';
import type { Shard } from '../../events/ids.js';
import { isApiError, NO_MESSAGE_FOUND } from '../../events/log/api-errors.js';
import type { Following } from '../../events/log/commit-log.js';
import type { LogReader } from '../../events/log/log-reader.js';
import { towerStream } from '../../events/log/streams.js';
import { consistencyProof, inclusionProof, leafHash, rootOf } from '../../events/proofs/merkle.js';
import { TreeFile } from './tree-file.js';
import type { TreeProof, TreeQuestion } from './tree-wire.js';

export interface ShardTreeNeeds {
  readonly log: Pick<LogReader, 'jsm' | 'messages'>;
  readonly shard: Shard;
  readonly path: string;
  /** For the logs. */
  readonly tell: (news: string, error?: Error) => void;
  /** Called once, if the log cannot be followed any more. */
  readonly fail: (error: Error) => void;
}

/** A shard's Merkle tree, kept level with the shard's stream. Lives in a thread of its own. */
export class ShardTree {
  readonly #file: TreeFile;
  #follower: Following | undefined;
  #waiting: { readonly size: number; readonly resolve: () => void }[] = [];
  #keeping: NodeJS.Timeout | undefined;

  /** Rejects with a `NatsError` if the log does not answer. */
  static async open(needs: ShardTreeNeeds): Promise<ShardTree> {
    const tree = new ShardTree(needs);
    const found = tree.#file.size;
    if (!(await tree.#isOfThisLog())) {
      needs.tell('the hashes kept are not those of this log; it is read anew');
      tree.#file.clear();
    } else needs.tell(`goes on behind ${found} hashes`);
    tree.#follow();
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
        this.#follower?.stop();
        this.#file.clear();
        this.#follow();
        return null;
    }
  }

  #follow(): void {
    const { log, shard, fail, tell } = this.needs;
    this.#follower = log.messages({
      stream: towerStream(shard),
      after: this.#file.size,
      onMessage: ({ data }) => this.#append(data),
      onFailure: fail,
      onWait: (error) => tell('waiting for the stream', error),
    });
  }

  #append(data: Uint8Array): void {
    this.#file.append(leafHash(data));
    const { size, kept } = this.#file;
    if (size - kept >= KEEP_EVERY) this.#file.keep();
    if (this.#waiting.length === 0) return;
    for (const { resolve } of this.#waiting.filter((one) => one.size <= size)) resolve();
    this.#waiting = this.#waiting.filter((one) => one.size > size);
  }

  async #reached(size: number): Promise<void> {
    if (this.#file.size >= size) return;
    await new Promise<void>((resolve) => this.#waiting.push({ size, resolve }));
  }

  /** Not at once: at a block the disk is wanted for more than this. */
  #keepSoon(): void {
    this.#keeping ??= setTimeout(() => {
      this.#keeping = undefined;
      this.#file.keep();
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
const KEEP_MS = 5_000;
