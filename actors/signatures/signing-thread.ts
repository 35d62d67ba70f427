import { Worker } from 'node:worker_threads';

/** What a thread is started with. */
export interface SigningThreadOptions {
  /** The tower's secret keys, 32 bytes each, in shared memory: no copy of it is made for the thread, and none is left behind. */
  readonly secret: Uint8Array;
  /** The name of the curve's library (`Secp256k1.name`). */
  readonly curve: string;
}

/** What a thread tells. */
export interface SigningThreadEvents {
  /** The batch that was posted first of those under way is done. */
  readonly done: (batch: Uint8Array) => void;
  /** The thread is gone, though nobody stopped it, and with it what was under way. Called once. */
  readonly died: (error: Error) => void;
}

/** A thread that does signature work, batch by batch, in the order in which they are posted. */
export interface SigningThread {
  /** The memory of the batch is the thread's from now on. */
  post(batch: Uint8Array<ArrayBuffer>): void;
  /** Ends it after what it has before it: to break into native code would end the process. */
  stop(): Promise<void>;
}

/** Starts a thread. It does not keep the process from ending unless a batch is under way. */
export function startSigningThread(options: SigningThreadOptions, { done, died }: SigningThreadEvents): SigningThread {
  // Neither flags nor environment of the process are its business.
  const settings = { name: 'argus signing', workerData: options, execArgv: [], env: {} };
  const worker = new Worker(new URL('./signing-worker.js', import.meta.url), settings);
  let underWay = 0;
  let why: Error | undefined;
  let isOver = false;
  worker.unref();
  worker.on('message', (batch: Uint8Array) => {
    if (--underWay === 0) worker.unref();
    if (!isOver) done(batch);
  });
  worker.on('error', (error) => (why = error instanceof Error ? error : new Error(String(error))));
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.on('exit', (status) => {
    if (isOver) return;
    isOver = true;
    died(why ?? new Error(`it ended with status ${status}`));
  });
  return {
    post(batch) {
      if (underWay++ === 0) worker.ref();
      worker.postMessage(batch, [batch.buffer]);
    },
    async stop() {
      if (isOver) return;
      isOver = true;
      worker.postMessage(null);
      worker.ref();
      const late = setTimeout(() => void worker.terminate(), STUCK_MS);
      await exited;
      clearTimeout(late);
    },
  };
}

/** By then a thread is done with what it had, in ms, unless it is stuck. */
const STUCK_MS = 5_000;
