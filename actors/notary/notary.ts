import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { fromHex } from '../../events/bytes.js';
import type { Recorded, ShardCommit } from '../../events/commit.js';
import type { Position, Shard, TowerId } from '../../events/ids.js';
import type { CommitLog } from '../../events/log/commit-log.js';
import type { HeadStore, StoredHead } from '../../events/log/heads.js';
import { verifyConsistency } from '../../events/proofs/merkle.js';
import { recoverSigner } from '../../events/signing/message.js';
import { DamagedHeadError, headMessage, type TreeHead, treeOf } from '../../events/tree-head.js';
import { why } from '../runtime/why.js';
import { headAt, isDue, type Scanned, scannedIn } from './decisions.js';
import type { TreeKeeper } from './tree-keeper.js';

/**
 * The Notary of a shard: signs what the log is, block by block.
 *
 *   log --BlockScanned--> Notary --root at that position?--> TreeKeeper (a thread that hashes)
 *                           |
 *                           +--the newest head, the next one--> CHECKPOINTS
 *
 * takes   folded   every commit; a `BlockScanned` makes a head due at its position
 * emits   one signed head of the newest such position, unless there is one at or beyond it
 *
 * All nodes make the same bytes, and each head is appended behind the one that it names, so of two nodes one wins. Who loses
 * reads what the other wrote: a head of another tree is called out, and nothing is appended behind it. Nobody waits for the
 * Notary: without it the tower watches and answers as ever.
 */
export class Notary {
  #due: Scanned | undefined;
  #last: TreeHead | undefined;
  #alarm: string | undefined;
  /** The place of the head that was found to be of our tree. */
  #checked: Position = 0;
  #wake: () => void = () => {};
  readonly #stopping = new AbortController();

  constructor(private readonly needs: NotaryNeeds) {}

  /** Begins with the last block that the log calls evaluated: what is due was due before. */
  start(): void {
    void this.#run();
  }

  folded(commit: Recorded<ShardCommit>): void {
    this.#due = scannedIn(commit) ?? this.#due;
    if (this.#due?.position === commit.position) this.#wake();
  }

  /** The newest head that was found on the log, and what is wrong with it, if anything is. */
  get report(): NotaryReport {
    return { size: this.#last?.treeSize ?? null, height: this.#last?.height ?? null, alarm: this.#alarm ?? null };
  }

  stop(): void {
    this.#stopping.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { log } = this.needs;
    let waiting = false;
    for (let done: Scanned | undefined, begun = false; !signal.aborted; ) {
      try {
        if (!begun) this.#due ??= await this.#lastScanned();
        begun = true;
        const due = this.#due;
        if (due && due !== done) await this.#notarize(due);
        done = due;
        waiting = false;
        if (this.#due === done) await this.#woken();
      } catch (error) {
        if (signal.aborted) return;
        if (!waiting) log.warn(why(error), 'the Notary waits');
        waiting = true;
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#stopping.signal.aborted) resolve();
    });
  }

  async #lastScanned(): Promise<Scanned | undefined> {
    const { fold, commits, shard } = this.needs;
    const { scanVersion } = fold.state;
    return scanVersion === 0 ? undefined : scannedIn(await commits.at(scanVersion, shard));
  }

  /** Rejects if the log, or the thread that hashes, does not answer. */
  async #notarize(due: Scanned): Promise<void> {
    const { shard, heads, identities, towerId, keys, sign, log } = this.needs;
    const identity = identities?.().at(-1) ?? towerId;
    if (keys && !keys.includes(identity)) return void this.#cannotSign(identity);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const last = await this.#readLast();
      if (last === 'contradiction') return;
      if (!isDue(last?.head, due)) return;
      const root = await this.#rootBehind(last?.head, due.position);
      const head = headAt(shard, last?.head, due, root);
      const signed = { ...head, signature: await sign(headMessage(head), identity) };
      if (this.#stopping.signal.aborted) return;
      // If not: it may be ours with a lost ack, or another node's. The next look tells.
      if (!(await heads.append(signed, last?.position ?? 0))) continue;
      this.#last = signed;
      log.debug({ size: head.treeSize, height: head.height }, 'tree head signed');
      return;
    }
    throw new Error(`no tree head was taken in ${MOST_ATTEMPTS} attempts`);
  }

  /** Another node, which has the key, signs the head; the next block asks again. */
  #cannotSign(identity: TowerId): void {
    this.needs.log.error({ identity }, "this node has no key of the tower's identity: it signs no tree heads");
  }

  /** The root of a tree that certainly begins with that of the last head: no damage to our files is ever signed. */
  async #rootBehind(last: TreeHead | undefined, size: number): Promise<string> {
    const { shard, trees } = this.needs;
    for (let attempt = 0; attempt < 2; attempt++) {
      const root = await trees.root(shard, size);
      if (!last) return root;
      const proof = await trees.consistency(shard, last.treeSize, size);
      if (verifyConsistency(treeOf(last), { size, root: fromHex(root) }, proof.map(fromHex))) return root;
      await trees.rebuild(shard);
    }
    throw new Error('the hashes of the log, made anew, do not go on from the last head');
  }

  /** The newest head on the log, if it is one of our tree. */
  async #readLast(): Promise<StoredHead | undefined | 'contradiction'> {
    const { heads, shard, log } = this.needs;
    try {
      const last = await heads.last(shard);
      const wrong = last && last.position !== this.#checked ? await this.#wrongWith(last.head) : undefined;
      if (wrong) throw new DamagedHeadError(wrong);
      this.#last = last?.head;
      this.#checked = last?.position ?? 0;
      this.#alarm = undefined;
      return last;
    } catch (error) {
      if (!(error instanceof DamagedHeadError)) throw error;
      this.#alarm = error.message;
      log.error({ err: error }, 'the newest tree head contradicts this node; it signs nothing behind it');
      return 'contradiction';
    }
  }

  async #wrongWith(head: TreeHead): Promise<string | undefined> {
    const { shard, towerId, identities, fold, trees } = this.needs;
    const { treeSize, root, signature } = head;
    const of = `the head of size ${treeSize}`;
    if (head.shard !== shard) return `${of} is one of shard ${head.shard}`;
    const signer: string | undefined = recoverSigner(headMessage(head), signature);
    if (!(identities?.() ?? [towerId]).some((one) => one === signer)) return `${of} is not signed by the tower`;
    if (treeSize > fold.state.position && treeSize > (await fold.level()))
      return `${of} is over more than the log holds`;
    if ((await trees.root(shard, treeSize)) === root) return undefined;
    // Our own files may be what is wrong.
    await trees.rebuild(shard);
    const anew = await trees.root(shard, treeSize);
    return anew === root ? undefined : `${of} has the root ${root}, where the log has ${anew}`;
  }
}

export interface NotaryReport {
  readonly size: number | null;
  readonly height: number | null;
  /** What contradicts this node's tree; null if nothing does. */
  readonly alarm: string | null;
}

/** How often a head is sent until that is called an outage; and the pause after one, in ms. */
const MOST_ATTEMPTS = 5;
const RETRY_MS = 1_000;

export interface NotaryNeeds {
  readonly shard: Shard;
  /** The log's first identity. */
  readonly towerId: TowerId;
  /** All of the log's, in their order: the last one signs. That one alone unless told. */
  readonly identities?: () => readonly TowerId[];
  /** Those that this node has keys of; unless told, it has all. */
  readonly keys?: readonly TowerId[];
  readonly commits: Pick<CommitLog, 'at'>;
  readonly fold: {
    readonly state: { readonly position: Position; readonly scanVersion: Position };
    level(): Promise<Position>;
  };
  readonly heads: Pick<HeadStore, 'last' | 'append'>;
  readonly trees: Pick<TreeKeeper, 'root' | 'consistency' | 'rebuild'>;
  readonly sign: (message: Uint8Array, identity: TowerId) => string | Promise<string>;
  readonly log: Logger;
}
