import type { Logger } from 'pino';
import type { Shard as ShardId } from '../events/ids.js';
import type { ShardState } from '../projections/shard-state.js';
import { ConfigError } from './config-sources.js';
import type { Range } from './ranges.js';
import type { Served } from './runtime/shard-relay.js';
import { type Running, Supervisor } from './runtime/supervisor.js';
import type { Shard } from './shard.js';

/** The shards that a node of a tower with so many is to serve, ascending. Throws `ConfigError` for one that is not there. */
export function shardsToServe(serve: 'all' | readonly Range[], shards: number): ShardId[] {
  const beyond = serve === 'all' ? undefined : serve.find(({ to }) => to >= shards);
  if (beyond) {
    const missing = Math.max(beyond.from, shards);
    throw new ConfigError(`log.serve: there is no shard ${missing}: the tower has ${shards}`);
  }
  const all = Array.from({ length: shards }, (_, shard) => shard as ShardId);
  return serve === 'all' ? all : all.filter((shard) => serve.some(({ from, to }) => from <= shard && shard <= to));
}

/**
 * The shards that a node serves: each is started, and started anew when it fails, by a supervisor of its own.
 *
 * As long as a shard runs, and no longer, other nodes may pass requests for it on to this one.
 */
export class ServedShards {
  readonly #running = new Map<ShardId, Shard>();
  #inOrder: readonly Shard[] = [];
  /** What was folded so far of the shards that are being started. */
  readonly #replaying = new Map<ShardId, ShardState>();
  readonly #supervisors: readonly Supervisor[];

  constructor(private readonly needs: ServedShardsNeeds) {
    const { numbers, logger, giveUp } = needs;
    this.#supervisors = numbers.map(
      (shard) => new Supervisor({ name: `shard ${shard}`, start: (fail) => this.#start(shard, fail) }, logger, giveUp),
    );
  }

  /** Which they are, ascending, whether they run or not. */
  get numbers(): readonly ShardId[] {
    return this.needs.numbers;
  }

  /** Those that run, in the order of their numbers. */
  get running(): readonly Shard[] {
    return this.#inOrder;
  }

  /** What is folded of those that run, with their numbers. */
  get states(): readonly (readonly [ShardId, ShardState])[] {
    return this.numbers.flatMap((shard) => {
      const state = this.#running.get(shard)?.fold.state;
      return state ? [[shard, state] as const] : [];
    });
  }

  /** A shard that runs. */
  get(shard: ShardId): Shard | undefined {
    return this.#running.get(shard);
  }

  /** What is folded of a shard, be it level with the log or not. */
  folded(shard: ShardId): ShardState | undefined {
    return this.get(shard)?.fold.state ?? this.#replaying.get(shard);
  }

  /** Resolves when each shard was started once, or given up. */
  async start(): Promise<void> {
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.stop()));
  }

  #set(shard: ShardId, running: Shard | undefined): void {
    if (running) this.#running.set(shard, running);
    else this.#running.delete(shard);
    this.#inOrder = this.numbers.flatMap((one) => this.#running.get(one) ?? []);
  }

  async #start(shard: ShardId, fail: (error: Error) => void): Promise<Running> {
    const running = await this.needs.start(shard, fail, (state) => this.#replaying.set(shard, state));
    this.#set(shard, running);
    this.#replaying.delete(shard);
    const served = this.needs.serve(shard);
    const stop = async () => {
      this.#set(shard, undefined);
      await Promise.all([served(), running.stop()]);
    };
    return { stop };
  }
}

export interface ServedShardsNeeds {
  /** Ascending. */
  readonly numbers: readonly ShardId[];
  /** Starts a shard; `fail` is called when it cannot go on, `replaying` with its state before that is level with the log. */
  readonly start: (
    shard: ShardId,
    fail: (error: Error) => void,
    replaying: (state: ShardState) => void,
  ) => Promise<Shard>;
  /** Lets other nodes ask about a shard that runs; what it gives ends that. */
  readonly serve: (shard: ShardId) => Served;
  readonly logger: Logger;
  readonly giveUp: (error: Error) => void;
}
