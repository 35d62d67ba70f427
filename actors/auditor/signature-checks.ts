import { Worker } from 'node:worker_threads';
import type { TowerId, UserId } from '../../events/ids.js';
import type { Appointment } from '../../events/signing/appointment.js';
import type { Finding } from './findings.js';
import {
  type CheckedBatch,
  checkBatch,
  RIGHT,
  SignatureBatch,
  type SignedAcceptance,
  WRONG_ID,
} from './signature-batch.js';

/** Where a signature is on the log, and whose it is. */
export interface SignaturePlace {
  readonly stream: string;
  readonly position: number;
  /** Such as `the receipt`, for people. */
  readonly of: string;
}

/** Records that go to a thread together, at the most so many and of so many bytes, where blobs are large; and so many of those that each thread may have before it. */
const BATCH = 256;
const BATCH_BYTES = 1 << 20;
const AHEAD = 16;

/** The places of a batch's records, in lists of what each has: of a million objects that are kept for a while, most are copied twice. */
class Places {
  readonly #streams: string[] = [];
  readonly #positions: number[] = [];
  readonly #ofs: string[] = [];

  add({ stream, position, of }: SignaturePlace): void {
    this.#streams.push(stream);
    this.#positions.push(position);
    this.#ofs.push(of);
  }

  get count(): number {
    return this.#positions.length;
  }

  at(i: number): SignaturePlace {
    return { stream: this.#streams[i] ?? '', position: this.#positions[i] ?? 0, of: this.#ofs[i] ?? '' };
  }
}

interface Thread {
  readonly worker: Worker;
  readonly underWay: Places[];
  /** Resolves when it has ended, however. */
  readonly exited: Promise<void>;
}

/**
 * Checks signatures on other threads, in batches, in no order: what is wrong is told when it is known. With no threads this one
 * does it, at once.
 */
export class SignatureChecks {
  readonly #threads: Thread[] = [];
  #batch = new SignatureBatch();
  #places = new Places();
  /** The memory of batches that came back. */
  readonly #spare: ArrayBuffer[] = [];
  #underWay = 0;
  #failure: Error | undefined;
  #wake: () => void = () => {};
  /** How many were checked, or are being. */
  count = 0;

  constructor(
    private readonly towerId: TowerId,
    threads: number,
    private readonly found: (finding: Finding) => void,
  ) {
    for (let i = 0; i < threads; i++) this.#hire();
  }

  /** That the appointment is called what it must be, and the tower's signature of its receipt. */
  acceptance(about: SignedAcceptance, place: SignaturePlace): void {
    this.#batch.acceptance(about);
    this.#add(place);
  }

  /** The same, of a user that another identity than the first signs for. */
  acceptanceBy(identity: TowerId, about: SignedAcceptance, place: SignaturePlace): void {
    this.#batch.acceptanceBy(identity, about);
    this.#add(place);
  }

  message(message: Uint8Array, signature: string, signer: UserId | TowerId, place: SignaturePlace): void {
    this.#batch.message(message, signature, signer);
    this.#add(place);
  }

  appointment(appointment: Appointment, signature: string, signer: UserId, place: SignaturePlace): void {
    this.#batch.appointment(appointment, signature, signer);
    this.#add(place);
  }

  /** Whether so many wait that whoever brings more should wait as well. */
  get isFull(): boolean {
    return this.#underWay >= AHEAD * this.#threads.length && this.#threads.length > 0;
  }

  /** Resolves when more may be brought; rejects if a thread died. */
  async room(): Promise<void> {
    await this.#until(() => !this.isFull);
  }

  /** Resolves when all are checked; rejects if a thread died. */
  async settled(): Promise<void> {
    this.#send();
    await this.#until(() => this.#underWay === 0);
  }

  /** Ends the threads, each after what it has before it: to break into native code would end the process. */
  async stop(): Promise<void> {
    const ended = this.#threads.splice(0).map(({ worker, exited }) => {
      worker.postMessage(null);
      return exited;
    });
    await Promise.all(ended);
  }

  async #until(isDone: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (isDone()) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #add(place: SignaturePlace): void {
    this.count++;
    this.#places.add(place);
    if (this.#batch.count >= BATCH || this.#batch.size >= BATCH_BYTES) this.#send();
  }

  #send(): void {
    if (this.#batch.count === 0) return;
    const [bytes, places] = [this.#batch.take(), this.#places];
    this.#batch = new SignatureBatch(this.#spare.pop());
    this.#places = new Places();
    const thread = this.#threads.toSorted((a, b) => a.underWay.length - b.underWay.length)[0];
    if (!thread) {
      this.#judge(places, checkBatch(bytes, this.towerId));
      this.#spare.push(bytes.buffer);
      return;
    }
    this.#underWay++;
    thread.underWay.push(places);
    thread.worker.postMessage(bytes, [bytes.buffer]);
  }

  #judge(places: Places, results: Uint8Array): void {
    for (let i = 0; i < places.count; i++) {
      if (results[i] === RIGHT) continue;
      const { stream, position, of } = places.at(i);
      const isId = results[i] === WRONG_ID;
      const why = isId
        ? 'the appointment is called otherwise than its locator and its user demand'
        : `${of} is not signed by whom it should be`;
      this.found({ stream, position, what: isId ? 'appointment-id' : 'signature', why });
    }
  }

  #hire(): void {
    const worker = new Worker(new URL('./signature-worker.js', import.meta.url), {
      name: 'argus audit',
      workerData: this.towerId,
      execArgv: [],
      env: {},
    });
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const thread: Thread = { worker, underWay: [], exited };
    worker.on('message', ({ results, memory }: CheckedBatch) => {
      this.#underWay--;
      this.#spare.push(memory);
      this.#judge(thread.underWay.shift() ?? new Places(), results);
      this.#wake();
    });
    worker.on('error', (error) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#wake();
    });
    this.#threads.push(thread);
  }
}
