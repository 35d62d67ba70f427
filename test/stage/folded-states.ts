import { isDeepStrictEqual } from 'node:util';
import type { NatsConnection } from 'nats';
import type { StateAnswer } from '../../actors/wire.js';
import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import type { Shard } from '../../events/ids.js';
import { EventLog } from '../../events/log/log.js';
import { CHAIN, towerStream } from '../../events/log/streams.js';
import { BlockWindow } from '../../projections/block-window.js';
import { Fold, type Foldable } from '../../projections/fold.js';
import { ShardState } from '../../projections/shard-state.js';
import { type Canonical, stateDigest } from '../../projections/state-digest.js';
import { untilLevelStates } from '../support/node-states.js';
import type { Operator } from './operator.js';
import type { Stage } from './stage.js';

type Told = Pick<StateAnswer, 'chain' | 'shards'>;

/** Whether all nodes, and whoever folds the log anew, have the same states, to the byte: what is wrong, if anything is. */
export async function foldedStates(stage: Stage, operator: Operator): Promise<string[]> {
  const states = await untilLevelStates(operator.nc, stage.nodes.length);
  const anew = await foldAnew(await stage.connect('node'), stage.options.shards);
  return states.flatMap(({ node, chain, shards }) => {
    const told: Told = { chain, shards };
    if (isDeepStrictEqual(told, anew)) return [];
    return [`node ${node} has folded ${JSON.stringify(told)}, the log gives ${JSON.stringify(anew)}`];
  });
}

async function foldAnew(nc: NatsConnection, shards: number): Promise<Told> {
  const log = await EventLog.open(nc);
  const numbers = Array.from({ length: shards }, (_, shard) => shard as Shard);
  return {
    chain: await digestOf<ChainCommit, BlockWindow>(log, CHAIN, 0 as Shard, new BlockWindow()),
    shards: await Promise.all(
      numbers.map(async (shard) => ({
        shard,
        ...(await digestOf<ShardCommit, ShardState>(log, towerStream(shard), shard, new ShardState())),
      })),
    ),
  };
}

async function digestOf<C extends ChainCommit | ShardCommit, S extends Foldable<C> & Canonical>(
  log: EventLog,
  stream: string,
  shard: Shard,
  state: S,
) {
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const fold = new Fold<C, S>(log, stream, shard, state, fail);
  try {
    await Promise.race([fold.level(), failed]);
    return { position: state.position, sha256: stateDigest(state) };
  } finally {
    fold.stop();
  }
}
