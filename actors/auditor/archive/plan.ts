import { decodeCommit } from '../../../events/commit.js';
import type { Shard } from '../../../events/ids.js';
import { CHAIN, CHECKPOINTS, towerStream } from '../../../events/log/streams.js';
import type { TreeHead } from '../../../events/tree-head.js';
import type { AuditMessage, AuditSource } from '../audit-source.js';
import { headIn } from './shard-tree.js';

/** A head and its place in `CHECKPOINTS`. */
export interface PlacedHead {
  readonly position: number;
  readonly signed: TreeHead;
}

/** How far a run is to bring an archive. */
export interface Plan {
  readonly chain: number;
  readonly heads: number;
  /** By shard, the heads that files are to end with. */
  readonly cuts: readonly (readonly PlacedHead[])[];
}

export interface PlanNeeds {
  readonly source: AuditSource;
  /** The last position of a stream that is archived already. */
  readonly archivedTo: (stream: string) => number;
  /** The place in `CHECKPOINTS` of the head that a shard's archive ends with; 0 if there is none. */
  readonly headOf: (stream: string) => number;
  /** What was stored after this is left, in ms since 1970. */
  readonly until: number;
  /** How many messages a file may hold, if there are heads to end it with. */
  readonly fileMessages: number;
  readonly signal: AbortSignal;
}

/** By how much the clocks of two servers of a cluster may differ, at the most, in ms: `CHAIN` is archived by so much further. */
const SKEW_MS = 10 * 60_000;

/**
 * What is old enough: the heads up to the first that is not, of each shard all that those heads are over, and of the chain what the
 * tower can have known by then. So an archive is a log by itself: everything in it is under a head that is in it, too.
 */
export async function planRun(needs: PlanNeeds): Promise<Plan> {
  const { source, archivedTo, headOf, until, fileMessages, signal } = needs;
  const cuts = Array.from({ length: source.shards }, (_, shard) => ({
    base: archivedTo(towerStream(shard as Shard)),
    cuts: [] as PlacedHead[],
    last: undefined as PlacedHead | undefined,
  }));
  let heads = archivedTo(CHECKPOINTS);
  let newest = 0;
  // Of what was archived once, a file may be lost.
  const from = Math.min(heads, ...cuts.map((_, shard) => headOf(towerStream(shard as Shard)) + 1));
  scan: for await (const batch of source.read(CHECKPOINTS, Math.max(1, from), await source.tail(CHECKPOINTS), signal))
    for (const message of batch) {
      const { position, time } = message;
      if (time > until) break scan;
      heads = Math.max(heads, position);
      newest = Math.max(newest, time);
      const signed = headIn(message);
      const shard = cuts[signed.shard];
      if (!shard || signed.treeSize <= shard.base) continue;
      if (shard.last && signed.treeSize - shard.base > fileMessages) {
        shard.cuts.push(shard.last);
        shard.base = shard.last.signed.treeSize;
      }
      shard.last = { position, signed };
    }
  const ends = cuts.map(({ cuts, last }) => (last ? [...cuts, last] : cuts));
  if (heads === 0) return { chain: archivedTo(CHAIN), heads, cuts: ends };
  let chain = Math.max(archivedTo(CHAIN), await countUntil(source, CHAIN, newest + SKEW_MS, signal));
  for (const [shard, cuts] of ends.entries()) {
    const end = cuts.at(-1)?.signed.treeSize;
    if (end !== undefined) chain = Math.max(chain, await scannedAt(source, shard as Shard, end, signal));
  }
  return { chain, heads, cuts: ends };
}

/** The position in `CHAIN` of the block that a message calls evaluated; 0 if it calls none so. */
async function scannedAt(source: AuditSource, shard: Shard, position: number, signal: AbortSignal): Promise<number> {
  const message = await messageAt(source, towerStream(shard), position, signal);
  const events = message ? decodeCommit(message.data).events : [];
  return Math.max(0, ...events.map((event) => (event.type === 'BlockScanned' ? event.chainPosition : 0)));
}

/** How many messages of a stream were stored by then: half of what is left is ruled out by each look. */
async function countUntil(source: AuditSource, stream: string, time: number, signal: AbortSignal): Promise<number> {
  let [from, to] = [1, await source.tail(stream)];
  while (from <= to) {
    const middle = Math.floor((from + to) / 2);
    if (((await messageAt(source, stream, middle, signal))?.time ?? 0) <= time) from = middle + 1;
    else to = middle - 1;
  }
  return to;
}

export async function messageAt(
  source: AuditSource,
  stream: string,
  position: number,
  signal: AbortSignal,
): Promise<AuditMessage | undefined> {
  for await (const [message] of source.read(stream, position, position, signal)) return message;
  return undefined;
}
