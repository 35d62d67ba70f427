import { setTimeout as sleep } from 'node:timers/promises';
import type { JetStreamClient, NatsConnection } from 'nats';
import { z } from 'zod';

/** The log as bytes say it: read with NATS's own client, parsed as JSON, and nothing taken for granted. */

const Event = z.looseObject({ type: z.string(), v: z.number() });
export type RawEvent = z.infer<typeof Event>;

const Body = z.object({
  id: z.string(),
  aggregate: z.string(),
  time: z.string(),
  node: z.string(),
  events: z.array(Event).min(1),
});

export interface RawCommit extends z.infer<typeof Body> {
  readonly stream: string;
  readonly position: number;
  readonly subject: string;
}

export interface RawBlob {
  readonly subject: string;
  readonly bytes: Uint8Array;
}

export interface RawLog {
  readonly chain: readonly RawCommit[];
  /** Of each shard. */
  readonly towers: readonly (readonly RawCommit[])[];
  /** Of each shard, by position. */
  readonly blobs: readonly ReadonlyMap<number, RawBlob>[];
}

interface Message {
  readonly seq: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

/** Reads all of it. `nc` is a connection that may read streams. */
export async function readLog(nc: NatsConnection, shards: number): Promise<RawLog> {
  const js = nc.jetstream();
  const numbers = Array.from({ length: shards }, (_, shard) => shard);
  const towers: RawCommit[][] = [];
  const blobs: Map<number, RawBlob>[] = [];
  for (const shard of numbers) {
    towers.push(await commits(js, `TOWER_${shard}`));
    const stored = await messages(js, `BLOBS_${shard}`);
    blobs.push(new Map(stored.map(({ seq, subject, data }) => [seq, { subject, bytes: data }])));
  }
  return { chain: await commits(js, 'CHAIN'), towers, blobs };
}

async function commits(js: JetStreamClient, stream: string): Promise<RawCommit[]> {
  return (await messages(js, stream)).map(({ seq, subject, data }) => ({
    ...Body.parse(JSON.parse(Buffer.from(data).toString('utf8'))),
    stream,
    position: seq,
    subject,
  }));
}

/** All of a stream. Who delivers is one server, and its copy may lack what the leader has: then it is asked for anew. */
async function messages(js: JetStreamClient, stream: string): Promise<Message[]> {
  const jsm = await js.jetstreamManager();
  for (let tries = 1; ; tries++) {
    const { state } = await jsm.streams.info(stream);
    const found = state.messages === 0 ? [] : await delivered(js, stream);
    if (found.length >= state.messages) return found;
    if (tries === MOST_TRIES)
      throw new Error(`${found.length} of ${state.messages} messages of ${stream} are delivered`);
    await sleep(250);
  }
}

/** A copy that has fallen behind is level again within seconds. */
const MOST_TRIES = 40;

async function delivered(js: JetStreamClient, stream: string): Promise<Message[]> {
  const found: Message[] = [];
  // In a cluster the first request may come before the consumer is known everywhere; it is made again when it expires.
  const messages = await (await js.consumers.get(stream)).consume({ expires: 2_000 });
  for await (const { seq, subject, data, info } of messages) {
    found.push({ seq, subject, data: Uint8Array.from(data) });
    if (info.pending === 0) break;
  }
  await messages.close();
  return found;
}

/** A user's or an appointment's events, oldest first, as lines for people. */
export function tell(commits: readonly RawCommit[]): string {
  return commits
    .flatMap(({ stream, position, time, node, events }) =>
      events.map((event) => `    ${stream} ${position} ${time} ${node}: ${brief(JSON.stringify(event))}`),
    )
    .join('\n');
}

/** Raw transactions are long, and say little. */
const brief = (json: string): string => json.replace(/"([0-9a-f]{130})[0-9a-f]+"/g, '"$1..."');
