import type { JetStreamManager, NatsConnection, ObjectStore } from 'nats';
import { readStream } from './ensure-streams.js';
import { within } from './within.js';

/** Files that all nodes of a tower share, in an object store of JetStream (ADR-20) whose stream is there already. */
export class SharedFiles {
  private constructor(
    private readonly bucket: string,
    private readonly jsm: JetStreamManager,
    private readonly store: ObjectStore,
  ) {}

  /** Rejects with a `NatsError`, or if the bucket is not there. */
  static async open(nc: NatsConnection, bucket: string): Promise<SharedFiles> {
    const jsm = await nc.jetstreamManager({ checkAPI: false });
    // The client would make one, of one replica.
    if (!(await readStream(jsm, `OBJ_${bucket}`))) throw new Error(`there is no bucket ${bucket}`);
    return new SharedFiles(bucket, jsm, await nc.jetstream().views.os(bucket));
  }

  /** What whoever put a file said of it; undefined if there is none. */
  async about(name: string): Promise<Readonly<Record<string, string>> | undefined> {
    const info = await this.store.info(name);
    return info && !info.deleted ? (info.metadata ?? {}) : undefined;
  }

  /** A file; undefined if there is none. Rejects if it is not whole, or not here in time. */
  async get(name: string, patience: number): Promise<Uint8Array | undefined> {
    const end = performance.now() + patience;
    const late = `${name} did not come in time`;
    const found = await within(this.store.get(name), patience, late);
    if (!found) return undefined;
    found.error.catch(() => {}); // reading fails of the same
    const bytes = new Uint8Array(found.info.size);
    const reader = found.data.getReader();
    let at = 0;
    try {
      for (;;) {
        const { value } = await within(reader.read(), end - performance.now(), late);
        if (!value) break;
        bytes.set(value, at); // throws when there is more than was said
        at += value.length;
      }
    } finally {
      void reader.cancel().catch(() => {});
    }
    if (at < bytes.length) throw new Error(`${name} has ${at} bytes, not ${bytes.length}`);
    return bytes;
  }

  /** Puts a file in the place of the one of that name. What was there before, and what others left unfinished, goes. */
  async put(name: string, bytes: Uint8Array, metadata: Record<string, string>): Promise<void> {
    await this.#sweep();
    const about = { name, metadata, options: { max_chunk_size: CHUNK_BYTES } };
    await this.store.putBlob(about, bytes, { timeout: PUT_MS });
  }

  /** Purges the chunks that no file refers to, and that nobody adds to any more: their writer has died. */
  async #sweep(): Promise<void> {
    const [stream, chunks] = [`OBJ_${this.bucket}`, `$O.${this.bucket}.C.`];
    const { state } = await this.jsm.streams.info(stream, { subjects_filter: `${chunks}>` });
    const used = new Set((await this.store.list()).map(({ nuid }) => chunks + nuid));
    for (const subject of Object.keys(state.subjects ?? {})) {
      if (used.has(subject)) continue;
      const last = await this.jsm.streams.getMessage(stream, { last_by_subj: subject });
      if (Date.now() - last.time.getTime() > ABANDONED_MS) await this.jsm.streams.purge(stream, { filter: subject });
    }
  }
}

const CHUNK_BYTES = 512 * 1024;
/** How long the server may take for a file, in ms: all of its chunks are sent at once. */
const PUT_MS = 60_000;
/** After which time nobody is still at work on a file, in ms. */
const ABANDONED_MS = 10 * 60_000;
