import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Meter } from '../meter.js';
import { why } from '../runtime/why.js';
import {
  type DoorSetting,
  type FromDoors,
  monotonicMs,
  type RequestInWire,
  type Standing,
  type ToDoors,
  toWire,
} from './door-wire.js';
import { type Address, ListenError, spell } from './http-listener.js';
import { overloaded } from './overload.js';
import type { Turnstile } from './turnstile.js';

/**
 * The node's end of its thread of doors: whatever clients send is read by that thread, which passes on a bounded number of requests
 * at a time, and these wait at the Turnstile. So no flood keeps the node's own thread from a block.
 *
 *   client --NATS, HTTP--> thread of doors --requests--> DoorThread --> Turnstile --> Gateway
 *                                          <--answers---
 *
 * A thread that dies is an error in the node's log and is started anew, on the same addresses: at once, then after ever longer pauses.
 */
export class DoorThread {
  #worker: Worker | undefined;
  #addresses: readonly Address[];
  #standing: Standing;
  #startedAt = 0;
  #pause = 0;
  #stopping = false;
  #isOpen = false;
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
  /** Whether the NATS door is open, and who waits until it is, or is not any more. */
  #isOn = false;
  #turning: (() => void)[] = [];
  #closed: () => void = () => {};
  readonly #clock: NodeJS.Timeout;
  readonly #ending = new AbortController();

  constructor(private readonly needs: DoorThreadNeeds) {
    this.#addresses = needs.setting.http;
    this.#standing = needs.standing();
    this.#clock = setInterval(() => this.review(), REVIEW_MS);
    this.#clock.unref();
  }

  /** Starts the thread, so that it is there when the doors are to be opened. */
  start(): void {
    this.#worker ??= this.#started();
  }

  /** Rejects with `ListenError` if an HTTP door cannot listen on its address. */
  async open(): Promise<void> {
    this.start();
    this.#isOpen = true;
    const opened = new Promise<void>((resolve, reject) => (this.#settle = { resolve, reject }));
    this.#say({ kind: 'open' });
    await opened;
  }

  /** `http://127.0.0.1:9814` */
  get httpUrls(): readonly string[] {
    const { http, tls } = this.needs.setting;
    return http.map((wanted, i) => `${tls ? 'https' : 'http'}://${spell(this.#addresses[i] ?? wanted)}`);
  }

  /** The tower became able or unable to accept, or what it says of itself is another thing: the thread is told at once. */
  review(): void {
    const standing = this.needs.standing();
    if (JSON.stringify(standing) === JSON.stringify(this.#standing)) return;
    this.#standing = standing;
    this.#say({ kind: 'standing', standing });
  }

  /** The node takes requests, or takes none any more: resolves when the NATS door is so; rejects if it is not in 15 s. */
  async turned(): Promise<void> {
    this.review();
    const { isOn } = this.#standing;
    const end = performance.now() + STUCK_MS;
    while (this.#isOpen && this.#worker && this.#isOn !== isOn && this.#standing.isOn === isOn) {
      const left = end - performance.now();
      if (left <= 0) throw new Error(`the NATS door does not ${isOn ? 'open' : 'close'}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#turning.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Takes no more requests, and resolves when those under way are answered and the thread is gone. */
  async close(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    clearInterval(this.#clock);
    this.#ending.abort();
    this.#settle?.reject(new Error('the node stops'));
    const worker = this.#worker;
    if (!worker) return;
    const closed = new Promise<void>((resolve) => (this.#closed = resolve));
    if (this.#isOpen) {
      this.#say({ kind: 'close' });
      await Promise.race([closed, sleep(CLOSE_MS, undefined, { ref: false })]);
    }
    await worker.terminate();
  }

  #started(): Worker {
    const { setting, log, startWorker = startThread } = this.needs;
    const http = setting.http.map((wanted, i) => ({ ...wanted, ...this.#addresses[i] }));
    const worker = startWorker({ ...setting, http, standing: this.#standing });
    this.#startedAt = performance.now();
    let cause: unknown = new Error('it ended');
    worker.on('message', (said: FromDoors) => this.#hear(worker, said));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      this.#closed();
      this.#worker = undefined;
      this.#turn(false);
      if (this.#stopping) return;
      const now = performance.now();
      this.#pause =
        now - this.#startedAt > LONG_MS ? FIRST_MS : Math.min(Math.max(2 * this.#pause, FIRST_MS), MOST_PAUSE_MS);
      log.error({ ...why(cause), again_ms: this.#pause }, 'the thread of doors died; it is started anew');
      void this.#again();
    });
    return worker;
  }

  async #again(): Promise<void> {
    await sleep(this.#pause, undefined, { signal: this.#ending.signal, ref: false }).catch(() => undefined);
    if (this.#stopping || this.#worker) return;
    this.start();
    if (this.#isOpen) this.#say({ kind: 'open' });
  }

  #turn(isOn: boolean): void {
    this.#isOn = isOn;
    for (const tell of this.#turning.splice(0)) tell();
  }

  #say(said: ToDoors): void {
    this.#worker?.postMessage(said);
  }

  #hear(worker: Worker, said: FromDoors): void {
    switch (said.kind) {
      case 'request':
        void this.#serve(worker, said);
        break;
      case 'line':
        this.#note(said.line);
        break;
      case 'opened':
        this.#addresses = said.addresses;
        this.#settle?.resolve();
        break;
      case 'turned':
        this.#turn(said.isOn);
        break;
      case 'refused':
        for (const { operation, outcome, count } of said.refusals)
          this.needs.meter.requestsRefused(operation, outcome, count);
        break;
      case 'cannot-listen':
        this.#settle?.reject(new ListenError(said.why));
        // Where it once could, it is tried again.
        if (this.#addresses !== this.needs.setting.http) void worker.terminate();
        break;
      case 'closed':
        this.#closed();
        break;
    }
  }

  async #serve(worker: Worker, { id, operation, body, caller, came }: RequestInWire): Promise<void> {
    const { turnstile, log } = this.needs;
    const age = monotonicMs() - came;
    const answer = await turnstile.serve(operation, body, caller, performance.now() - age).catch((error) => {
      log.error({ err: error, operation, request: caller.id }, 'a request was not understood by the tower');
      return overloaded(operation, caller);
    });
    worker.postMessage({ kind: 'answer', id, ...toWire(answer) } satisfies ToDoors);
  }

  /** A line of the thread's log, as pino wrote it there. */
  #note(line: string): void {
    const { level, msg, ...fields } = JSON.parse(line);
    const { log } = this.needs;
    if (level >= 50) log.error(fields, msg);
    else if (level >= 40) log.warn(fields, msg);
    else if (level >= 30) log.info(fields, msg);
    else log.debug(fields, msg);
  }
}

export interface DoorThreadNeeds {
  readonly setting: Omit<DoorSetting, 'standing' | 'logLevel'> & { readonly logLevel: string };
  readonly turnstile: Pick<Turnstile, 'serve'>;
  readonly standing: () => Standing;
  readonly meter: Pick<Meter, 'requestsRefused'>;
  readonly log: Logger;
  readonly startWorker?: (setting: DoorSetting) => Worker;
}

/** How often the thread is told how things stand, should nobody have said that they changed, in ms. */
const REVIEW_MS = 100;
/** How long the thread may take to turn a door, in ms. */
const STUCK_MS = 15_000;
/** How long it may take to close them for good: longer than they give whoever is inside, less than a process takes to end. */
const CLOSE_MS = 7_000;
/** What a thread must have lived for its death to be no series; and how long the pauses are, from the first to the longest. */
const LONG_MS = 60_000;
const FIRST_MS = 100;
const MOST_PAUSE_MS = 10_000;

const startThread = (workerData: DoorSetting): Worker =>
  new Worker(new URL('../door-worker.js', import.meta.url), {
    name: 'argus doors',
    workerData,
    // Neither flags nor environment of the process are its business.
    execArgv: [],
    env: {},
    // Its queues are bounded; what is beyond that is a mistake, which must not take the node with it.
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
