import { setImmediate } from 'node:timers';
import { toHex } from '../../events/bytes.js';
import { type TowerId, UserId } from '../../events/ids.js';
import type { Secp256k1 } from '../../events/signing/curve.js';
import { messageDigest, signatureRecord } from '../../events/signing/message.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { nobleSecp256k1 } from '../../events/signing/secp256k1-noble.js';
import { encodeZbase32 } from '../../events/signing/zbase32.js';
import { Crew, type CrewNeeds } from './crew.js';
import { answerIn, batchOf, MOST_KEYS, type Question, RECOVER, SIGN, workOff } from './slots.js';

/** Signature work could not be done: there was too much of it, or its thread died twice, or the node stops. */
export class SignaturesUnavailableError extends Error {
  readonly code = 'signatures-unavailable';
}

interface Job extends Question {
  /** The length of the message: whoever asked has kept it. */
  readonly bytes: number;
  readonly since: number;
  readonly resolve: (answer: Uint8Array | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** What was taken from the queue together, and what became of it. */
interface Batch {
  readonly jobs: readonly Job[];
  tries: number;
  answers?: Uint8Array;
  failure?: Error;
}

/** A batch that is worked off on this thread. */
interface Here {
  readonly batch: Batch;
  readonly slots: Uint8Array;
  done: number;
}

/**
 * The signature pool: recovers users' keys and signs receipts, as `recoverSigner` and `signMessage` do, on other threads.
 *
 *   Gateway ------recover--> queue --batches--> threads (one for each core but one)
 *   Gatekeeper ---sign---/     \--one at a time--> this thread, when nothing else is to be done
 *
 * Answers come in the order of the questions, so that one client's requests stay in theirs. On the node's own thread, which
 * has blocks to watch, it does only a little at a time: one question when nothing waits, one more that follows alone, and a
 * slice in each round of the event loop while there is no thread. What a dead thread had under way is done again, once.
 */
export class SignaturePool {
  readonly #secret: Uint8Array;
  readonly #identities: readonly TowerId[];
  readonly #curve: Secp256k1;
  readonly #isSlow: boolean;
  readonly #crew: Crew<Batch>;
  /** Questions that nobody has taken yet; those before `#next` are gone. */
  #queue: Job[] = [];
  #next = 0;
  #bytes = 0;
  /** All that was taken and is not answered yet, in the order of the questions. */
  #batches: Batch[] = [];
  /** Of those, what a dead thread had. */
  #again: Batch[] = [];
  #here: Here | undefined;
  #scheduled = false;
  #spent = false;
  #stopped = false;

  constructor({ copySecret, identities = [], threads, curve = secp256k1, log, startThread }: SignaturePoolOptions) {
    if (identities.length > MOST_KEYS) throw new RangeError(`more than ${MOST_KEYS} keys`);
    this.#identities = identities;
    this.#secret = new Uint8Array(new SharedArrayBuffer(32 * Math.max(1, identities.length)));
    if (identities.length === 0) copySecret(this.#secret);
    for (const [i, identity] of identities.entries()) copySecret(this.#secret.subarray(32 * i, 32 * (i + 1)), identity);
    this.#curve = curve;
    this.#isSlow = curve.name === nobleSecp256k1.name;
    this.#crew = new Crew<Batch>({
      size: threads,
      secret: this.#secret,
      curve,
      log,
      startThread,
      done: (batch, answers) => this.#done(batch, answers),
      lost: (batches) => this.#lost(batches),
      back: () => this.#schedule(),
    });
  }

  /** See `recoverSigner`. Rejects with `SignaturesUnavailableError`. */
  async recover(message: Uint8Array, signatureText: string): Promise<UserId | undefined> {
    const record = signatureRecord(signatureText);
    if (!record) return undefined;
    const key = await this.#ask({ what: RECOVER, digest: messageDigest(message), record }, message.length);
    return key && UserId.parse(toHex(key));
  }

  /**
   * The signature of a message by one of the tower's identities, the first unless told, see `signMessage`. Rejects with
   * `SignaturesUnavailableError`, also if there is no key of it.
   */
  async sign(message: Uint8Array, identity = this.#identities[0]): Promise<string> {
    const digest = messageDigest(message);
    const key = identity === undefined ? 0 : this.#identities.indexOf(identity);
    if (key < 0) throw new SignaturesUnavailableError(`this node has no key of the tower's identity ${identity}`);
    const record = await this.#ask({ what: SIGN + key, digest, record: undefined }, message.length);
    if (!record) throw new TypeError('a signature is always found');
    return encodeZbase32(record);
  }

  /** Ends all threads and wipes the key; whatever is not answered yet is rejected. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const jobs = [...this.#batches.flatMap((batch) => batch.jobs), ...this.#queue.slice(this.#next)];
    this.#batches = [];
    this.#again = [];
    this.#queue = [];
    this.#next = 0;
    this.#here = undefined;
    for (const { reject } of jobs) reject(new SignaturesUnavailableError('the node stops'));
    await this.#crew.stop();
    this.#secret.fill(0);
  }

  get #waiting(): number {
    return this.#queue.length - this.#next;
  }

  /** Whether there is something to be given to a thread. */
  get #isWork(): boolean {
    return this.#waiting > 0 || this.#again.length > 0;
  }

  #ask(question: Question, bytes: number): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const job: Job = { ...question, bytes, since: performance.now(), resolve, reject };
      if (this.#stopped) reject(new SignaturesUnavailableError('the node stops'));
      else if (this.#isFull()) reject(new SignaturesUnavailableError('there is too much to be done'));
      else if (this.#isAlone()) this.#answerAtOnce(job);
      else {
        this.#queue.push(job);
        this.#bytes += bytes;
        this.#schedule();
      }
    });
  }

  #isFull(): boolean {
    return this.#waiting >= MOST_WAITING || this.#bytes >= MOST_BYTES;
  }

  /** One question in each round of the event loop, if there are no others: the way to a thread and back takes as long. */
  #isAlone(): boolean {
    return !this.#spent && this.#waiting === 0 && this.#batches.length === 0 && !this.#isSlow;
  }

  /** The second question of a request that is alone, its receipt, which comes in the same round as the first. */
  #isOneAlone(): boolean {
    return this.#waiting === 1 && this.#batches.length === 0 && !this.#isSlow;
  }

  #workOff(batch: Batch | undefined): void {
    if (!batch) return;
    const slots = batchOf(batch.jobs);
    workOff(slots, 0, batch.jobs.length, this.#curve, this.#secret);
    batch.answers = slots;
    this.#answer();
  }

  #answerAtOnce(job: Job): void {
    this.#spent = true;
    this.#schedule();
    const slots = batchOf([job]);
    workOff(slots, 0, 1, this.#curve, this.#secret);
    job.resolve(answerIn(slots, 0));
  }

  /** What comes in one round of the event loop goes on together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#spent = false;
      if (!this.#stopped) this.#send();
    });
  }

  #send(): void {
    if (this.#isOneAlone()) this.#workOff(this.#take(1));
    if (this.#crew.size === 0 || this.#here) this.#workHere();
    for (let free = this.#crew.free; free > 0; free = this.#crew.free) {
      const batch = this.#take(Math.min(MOST_AT_ONCE, Math.max(LEAST_AT_ONCE, Math.ceil(this.#waiting / free))));
      if (!batch) return;
      batch.tries++;
      this.#crew.post(batch, batchOf(batch.jobs));
    }
  }

  /** A slice of the work on this thread, and the next one in the next round. */
  #workHere(): void {
    this.#here ??= this.#begin();
    const here = this.#here;
    if (!here) return;
    const slice = this.#isSlow ? 1 : SLICE;
    const end = Math.min(here.batch.jobs.length, here.done + slice);
    workOff(here.slots, here.done, end, this.#curve, this.#secret);
    here.done = end;
    if (end === here.batch.jobs.length) {
      this.#here = undefined;
      here.batch.answers = here.slots;
      this.#answer();
    }
    if (this.#here || this.#isWork) this.#schedule();
  }

  #begin(): Here | undefined {
    const batch = this.#take(MOST_AT_ONCE);
    return batch && { batch, slots: batchOf(batch.jobs), done: 0 };
  }

  /** What has to be done again, else what waits longest; who has waited too long is told so. */
  #take(most: number): Batch | undefined {
    const again = this.#again.shift();
    if (again) return again;
    const jobs: Job[] = [];
    const now = performance.now();
    while (jobs.length < most && this.#waiting > 0) {
      const job = this.#queue[this.#next++];
      this.#bytes -= job?.bytes ?? 0;
      if (job && now - job.since < PATIENCE_MS) jobs.push(job);
      else job?.reject(new SignaturesUnavailableError('it took too long until somebody had time'));
    }
    if (this.#waiting === 0 || this.#next > MOST_WAITING) {
      this.#queue = this.#queue.slice(this.#next);
      this.#next = 0;
    }
    if (jobs.length === 0) return undefined;
    const batch: Batch = { jobs, tries: 0 };
    this.#batches.push(batch);
    return batch;
  }

  #done(batch: Batch, answers: Uint8Array): void {
    batch.answers = answers;
    this.#answer();
    if (this.#isWork) this.#send();
  }

  #lost(batches: readonly Batch[]): void {
    for (const batch of batches) {
      if (batch.tries < MOST_TRIES) this.#again.push(batch);
      else batch.failure = new SignaturesUnavailableError('the threads that were to do it died');
    }
    this.#answer();
    this.#schedule();
  }

  /** Answers what is done, as far as everything asked before it is. */
  #answer(): void {
    for (let [batch] = this.#batches; batch?.answers || batch?.failure; [batch] = this.#batches) {
      this.#batches.shift();
      for (const [i, { resolve, reject }] of batch.jobs.entries())
        if (batch.answers) resolve(answerIn(batch.answers, i));
        else if (batch.failure) reject(batch.failure);
    }
  }
}

/** What goes to a thread at once: less is hardly worth its way, more would hold up what comes after its return. */
const LEAST_AT_ONCE = 8;
const MOST_AT_ONCE = 32;
/** What is done on the node's own thread in one round of the event loop, where libsecp256k1 does it: half a millisecond. */
const SLICE = 4;
/** How often a batch is given to a thread. */
const MOST_TRIES = 2;
/** How many may wait, and for messages of so many bytes: at that, whoever comes is refused. */
const MOST_WAITING = 8192;
const MOST_BYTES = 16 * 1024 * 1024;
/** How long it may wait, in ms: later its request would not be carried out any more. */
const PATIENCE_MS = 4_000;

export interface SignaturePoolOptions extends Pick<CrewNeeds<unknown>, 'log' | 'startThread'> {
  /** Writes the secret key of an identity into 32 bytes. */
  readonly copySecret: (into: Uint8Array, identity?: TowerId) => void;
  /** Those that there are keys of, the log's first first; none for the one key that there is. */
  readonly identities?: readonly TowerId[] | undefined;
  /** How many threads there are to be; with none all is done on the node's own. */
  readonly threads: number;
  /** The curve's library, of which the threads take the same; libsecp256k1 if there is one, unless told. */
  readonly curve?: Secp256k1 | undefined;
}
