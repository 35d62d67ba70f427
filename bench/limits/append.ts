import { randomBytes } from 'node:crypto';
import { headers, type MsgHdrs, type NatsConnection } from 'nats';
import { z } from 'zod';
import type { Shard, TowerId } from '../../events/ids.js';
import { blobStream, towerStream, wantedStreams } from '../../events/log/streams.js';

/** What one appointment puts on the log, and by how many users and how many at once. */
export interface AppendLoad {
  readonly blob: Uint8Array;
  readonly commit: Uint8Array;
  readonly users: number;
  readonly inFlight: number;
  readonly seconds: number;
}

const Ack = z.object({ seq: z.number().int().min(1), error: z.undefined().optional() });
const REQUEST_MS = 10_000;
const BATCH = 100;

/**
 * The log without a tower: how fast the same server durably takes the same bytes from the bare `nats` client, in streams
 * configured like the tower's. For each appointment a blob is published and its ack awaited, then a commit that expects
 * its user's last one; a user has one appointment under way.
 */
export class AppendLimit {
  readonly #last: number[];

  /** Makes the streams. `nc` may do everything. */
  static async prepare(nc: NatsConnection, towerId: TowerId, load: AppendLoad): Promise<AppendLimit> {
    const shard = 0 as Shard;
    const like = wantedStreams({ network: 'regtest', towerId, shards: 1, replicas: 1 });
    const jsm = await nc.jetstreamManager({ checkAPI: false });
    for (const [name, kind] of [
      [towerStream(shard), 'user'],
      [blobStream(shard), 'blob'],
    ] as const) {
      const config = { ...like.find((stream) => stream.name === name), allow_atomic: true };
      await jsm.streams.add({ ...config, name: `BENCH_${name}`, subjects: [`bench.${kind}.*`] });
    }
    return new AppendLimit(nc, load);
  }

  private constructor(
    private readonly nc: NatsConnection,
    private readonly load: AppendLoad,
  ) {
    this.#last = new Array(load.users).fill(0);
  }

  /** Appointments a second, each message acked by itself. */
  rate(): Promise<number> {
    const { users, inFlight } = this.load;
    const idle = Array.from({ length: users }, (_, user) => user);
    return this.#count(inFlight, async () => {
      const user = idle.shift() ?? 0;
      await this.appoint(user);
      idle.push(user);
      return 1;
    });
  }

  /** Puts one appointment of a user on the log: its blob, then its commit. */
  async appoint(user: number): Promise<void> {
    await this.#publish(`bench.blob.${user}`, this.load.blob);
    this.#last[user] = await this.#publish(`bench.user.${user}`, this.load.commit, this.#expectation(user));
  }

  /** Appointments a second in atomic batches of 100, as many in flight: first a batch of blobs, then one of commits. */
  batchedRate(): Promise<number> {
    const { users, inFlight } = this.load;
    const idle = Array.from({ length: Math.floor(users / BATCH) }, (_, group) => group * BATCH);
    return this.#count(Math.floor(inFlight / BATCH), async () => {
      const first = idle.shift() ?? 0;
      await this.#batch((i) => ({ subject: `bench.blob.${first + i}`, data: this.load.blob, headers: headers() }));
      const last = await this.#batch((i) => ({
        subject: `bench.user.${first + i}`,
        data: this.load.commit,
        headers: this.#expectation(first + i),
      }));
      for (let i = 0; i < BATCH; i++) this.#last[first + i] = last - BATCH + 1 + i;
      idle.push(first);
      return BATCH;
    });
  }

  async #count(atOnce: number, appoint: () => Promise<number>): Promise<number> {
    let done = 0;
    const worker = async () => {
      while (performance.now() < end) {
        const some = await appoint();
        if (performance.now() < end) done += some;
      }
    };
    const end = performance.now() + this.load.seconds * 1000;
    await Promise.all(Array.from({ length: atOnce }, worker));
    return done / this.load.seconds;
  }

  async #publish(subject: string, data: Uint8Array, headers?: MsgHdrs): Promise<number> {
    const ack = await this.nc.request(subject, data, { timeout: REQUEST_MS, ...(headers && { headers }) });
    return Ack.parse(ack.json()).seq;
  }

  /** Publishes a batch; gives the position of its last message. */
  async #batch(message: (i: number) => { subject: string; data: Uint8Array; headers: MsgHdrs }): Promise<number> {
    const id = randomBytes(16).toString('hex');
    for (let i = 0; ; i++) {
      const { subject, data, headers } = message(i);
      headers.set('Nats-Batch-Id', id);
      headers.set('Nats-Batch-Sequence', String(i + 1));
      if (i === BATCH - 1) {
        headers.set('Nats-Batch-Commit', '1');
        return this.#publish(subject, data, headers);
      }
      this.nc.publish(subject, data, { headers });
    }
  }

  #expectation(user: number): MsgHdrs {
    const expectation = headers();
    expectation.set('Nats-Expected-Last-Subject-Sequence', String(this.#last[user] ?? 0));
    return expectation;
  }
}
