import type { Acceptance } from '../../events/acceptance.js';
import type { ChainCommit, Recorded, ShardCommit } from '../../events/commit.js';
import type { Position, Shard } from '../../events/ids.js';
import { CHAIN, towerStream } from '../../events/log/streams.js';
import { BlockWindow } from '../../projections/block-window.js';
import { ShardState } from '../../projections/shard-state.js';
import { CommitReader, type CommitSink } from './commit-reader.js';
import type { HistorySource } from './history-source.js';
import type { LogPlace } from './log-place.js';

/** How a long way through the log is watched and ended. */
export interface Way {
  readonly signal: AbortSignal;
  /** Called with how many messages more are read. */
  readonly onRead?: (messages: number) => void;
}

/** Who is told of everything just before it is folded. */
export interface Witness {
  block?(commit: Recorded<ChainCommit>): void;
  commit?(shard: Shard, commit: Recorded<ShardCommit>): void;
  acceptance?(shard: Shard, acceptance: Acceptance, position: Position): void;
}

/** The state of a whole tower at a place of its log: what a node that had read so far would know, by the same folds. */
export class TowerFold {
  readonly chain = new BlockWindow();
  /** By shard. */
  readonly shards: readonly ShardState[];

  constructor(private readonly source: HistorySource) {
    this.shards = Array.from({ length: source.shards }, () => new ShardState());
  }

  /**
   * Folds on from where it is. Rejects with what `CommitReader` throws; of a log that was trimmed with `TrimmedError` at a place
   * before the cut, or where a witness is to be told of everything.
   */
  async foldTo(place: LogPlace, way: Way, witness?: Witness): Promise<void> {
    const { chain } = this;
    const onBlock = (commit: Recorded) => {
      witness?.block?.(commit as Recorded<ChainCommit>);
      chain.apply(commit as Recorded<ChainCommit>);
    };
    await this.#fold(CHAIN, 0 as Shard, chain.position, place.chain, { onCommit: onBlock }, way);
    for (const [n, state] of this.shards.entries()) {
      const shard = n as Shard;
      const sink: CommitSink = {
        onCommit: (commit) => {
          witness?.commit?.(shard, commit as Recorded<ShardCommit>);
          state.apply(commit as Recorded<ShardCommit>);
        },
        onAcceptance: (acceptance, { position }) => {
          witness?.acceptance?.(shard, acceptance, position);
          state.accept(acceptance, position);
        },
      };
      const [stream, through] = [towerStream(shard), place.shards[n] ?? 0];
      const begun = witness ? state.position : await this.#foldLeft(stream, shard, state.position, through, sink, way);
      await this.#fold(stream, shard, begun, through, sink, way);
    }
  }

  /** Of a trimmed stream what is left: at the cut and beyond that is as good as all of it. Gives up to where it has come. */
  async #foldLeft(stream: string, shard: Shard, after: Position, through: Position, sink: CommitSink, way: Way) {
    const { source } = this;
    const cut = (await source.cut?.(stream)) ?? 0;
    if (after > 0 || cut === 0 || through < cut || !source.remaining) return after;
    const reader = new CommitReader(stream, shard, after);
    for await (const batch of source.remaining(stream, 1, cut, way.signal))
      for (const message of batch) {
        reader.skipTo(message.position);
        reader.read(message, sink);
      }
    return cut;
  }

  async #fold(stream: string, shard: Shard, after: Position, through: Position, sink: CommitSink, way: Way) {
    if (through <= after) return;
    const reader = new CommitReader(stream, shard, after);
    for await (const batch of this.source.read(stream, after + 1, through, way.signal)) {
      for (const message of batch) reader.read(message, sink);
      way.onRead?.(batch.length);
    }
  }
}
