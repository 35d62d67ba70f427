import { type JetStreamManager, NatsError } from 'nats';
import { type LogReading, readStream } from './ensure-streams.js';
import { compareConfig, type StreamDifference } from './stream-drift.js';
import { CHAIN, type LogLayout, type WantedStream, wantedStreams } from './streams.js';

/** Making the streams of a log what they should be: one setting at a time, and waiting for the copies. */

/**
 * The differences of a log in the order in which they are to be changed: first what protects messages, replicas last.
 *
 * How many replicas there should be is what CHAIN has, so it goes before the other streams: whoever ends half way
 * goes on by asking again.
 */
export function inChangingOrder({ drift }: LogReading): StreamDifference[] {
  const rank = ({ stream, field }: StreamDifference) => (field !== 'num_replicas' ? 0 : stream === CHAIN ? 1 : 2);
  return drift.toSorted((a, b) => rank(a) - rank(b));
}

/** What became of a change. */
export type Changed =
  | { readonly kind: 'changed' }
  /** The server would not, or said yes and did not; `reason` is its own word where it gave one. */
  | { readonly kind: 'refused'; readonly reason: string };

/** What a cluster says while it elects a leader: JetStream API error codes. */
const LEADERLESS = new Set([10008, 10010]);

/** Changes one setting and reads it back. Rejects with a `NatsError` when there was no answer; it may be asked again. */
export async function changeSetting(jsm: JetStreamManager, change: StreamDifference): Promise<Changed> {
  const { stream, field, wanted } = change;
  try {
    await jsm.streams.update(stream, { [field]: wanted });
  } catch (error) {
    const answer = error instanceof NatsError ? error.api_error : undefined;
    if (!answer || LEADERLESS.has(answer.err_code ?? 0)) throw error;
    return { kind: 'refused', reason: answer.description };
  }
  const { config } = await jsm.streams.info(stream);
  const asked: WantedStream = { name: stream, [field]: wanted };
  const kept = compareConfig(asked, config).some((difference) => difference.field === field);
  return kept ? { kind: 'refused', reason: 'the server said yes and left it as it was' } : { kind: 'changed' };
}

/** The copies of a stream. */
export interface StreamCopies {
  readonly stream: string;
  /** How many there are to be. */
  readonly wanted: number;
  /** How many of them hold all of it, the leader's among them; 0 while there is no leader. */
  readonly current: number;
  /** Copies of which the cluster has not rid itself yet, or that are on a server which is away. */
  readonly others: number;
}

/** Reads how far the copies of a log's streams are: of those that are there, since a node may still have to make some. */
export async function readCopies(jsm: JetStreamManager, layout: LogLayout): Promise<StreamCopies[]> {
  const copies = await Promise.all(
    wantedStreams(layout).map(async ({ name: stream }) => {
      const found = await readStream(jsm, stream);
      if (!found) return [];
      const { cluster } = found;
      const followers = cluster?.replicas ?? [];
      const [there, away] = [followers.filter(isCurrent).length, followers.filter((peer) => !isCurrent(peer)).length];
      // A server that is on its own leads what it has, and does not say so.
      const leads = cluster === undefined || Boolean(cluster.leader);
      return [{ stream, wanted: layout.replicas, current: leads ? 1 + there : 0, others: away }];
    }),
  );
  return copies.flat();
}

const isCurrent = ({ current, offline }: { current: boolean; offline?: boolean }): boolean => current && !offline;

/** Whether a stream has its copies, all of them current, and no others. */
export const isWhole = ({ wanted, current, others }: StreamCopies): boolean => current === wanted && others === 0;
