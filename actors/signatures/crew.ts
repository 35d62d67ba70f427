import type { Logger } from 'pino';
import type { Secp256k1 } from '../../events/signing/curve.js';
import { type SigningThread, startSigningThread } from './signing-thread.js';

/** One of the crew, and what it has under way, oldest first. */
interface Member<Work> {
  readonly thread: SigningThread;
  readonly underWay: Work[];
}

export interface CrewNeeds<Work> {
  /** How many threads there are to be. */
  readonly size: number;
  /** The tower's secret keys, 32 bytes each, in shared memory. */
  readonly secret: Uint8Array;
  readonly curve: Secp256k1;
  readonly log: Logger;
  readonly startThread?: typeof startSigningThread | undefined;
  readonly done: (work: Work, batch: Uint8Array) => void;
  /** A thread died, and with it what it had under way. */
  readonly lost: (work: readonly Work[]) => void;
  /** There is a thread again. */
  readonly back: () => void;
}

/**
 * The threads that do signature work: kept at their number. One that dies is an error in the node's log and is started
 * anew, from the fifth death within a minute on only when that minute is over.
 */
export class Crew<Work> {
  readonly #members = new Set<Member<Work>>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #deaths: number[] = [];
  #stopped = false;

  constructor(private readonly needs: CrewNeeds<Work>) {
    for (let i = 0; i < needs.size; i++) this.#hire();
  }

  /** The number of threads that are alive. */
  get size(): number {
    return this.#members.size;
  }

  /** How many threads could be given something. */
  get free(): number {
    let free = 0;
    for (const { underWay } of this.#members) if (underWay.length < DEPTH) free++;
    return free;
  }

  /** Gives a batch to the thread with the least to do. There has to be a free one. */
  post(work: Work, batch: Uint8Array<ArrayBuffer>): void {
    let least: Member<Work> | undefined;
    for (const member of this.#members) if (!least || member.underWay.length < least.underWay.length) least = member;
    if (!least) throw new TypeError('there is no thread');
    least.underWay.push(work);
    least.thread.post(batch);
  }

  /** Ends all threads; what they had under way is never answered. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    await Promise.all(Array.from(this.#members, ({ thread }) => thread.stop()));
    this.#members.clear();
  }

  #hire(): void {
    const { secret, curve, done, startThread = startSigningThread } = this.needs;
    const underWay: Work[] = [];
    let member: Member<Work> | undefined;
    try {
      const thread = startThread(
        { secret, curve: curve.name },
        {
          done: (batch) => {
            const work = underWay.shift();
            if (work !== undefined) done(work, batch);
          },
          died: (error) => this.#bury(member, error),
        },
      );
      member = { thread, underWay };
      this.#members.add(member);
    } catch (error) {
      this.#bury(undefined, error);
    }
  }

  #bury(member: Member<Work> | undefined, error: unknown): void {
    if (this.#stopped) return;
    if (member) this.#members.delete(member);
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((death) => now - death < WITHIN_MS), now];
    const wait = this.#deaths.length < MOST_DEATHS ? RESTART_MS : WITHIN_MS;
    this.needs.log.error({ err: error, left: this.#members.size, wait }, 'a thread for signatures died');
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#hire();
      if (this.#members.size > 0) this.needs.back();
    }, wait);
    timer.unref();
    this.#restarts.add(timer);
    this.needs.lost(member?.underWay ?? []);
  }
}

/** So many batches are with a thread at once: while one comes back, it has another to do. */
const DEPTH = 2;
const MOST_DEATHS = 5;
const WITHIN_MS = 60_000;
const RESTART_MS = 100;
