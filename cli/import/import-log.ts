import type { StreamInfo } from 'nats';
import type { Block } from '../../actors/chain-monitor/block-source.js';
import { chainAggregate } from '../../events/aggregate.js';
import { type ChainCommit, type Commit, decodeCommit, newCommit } from '../../events/commit.js';
import type { Shard } from '../../events/ids.js';
import type { TowerImported } from '../../events/import.js';
import { ensureStreams, readStream } from '../../events/log/ensure-streams.js';
import { EventLog } from '../../events/log/log.js';
import { CHAIN, IMPORTING, type LogWish, towerStream } from '../../events/log/streams.js';
import { TxidStore } from '../../events/log/txids.js';
import type { LogAccess } from '../log-access.js';
import { ImportError } from './old-tower.js';

/**
 * The log that a tower is imported into: a new one. While that is under way CHAIN says so, and no node starts; its first commit
 * is the last of the import.
 *
 *   none, or nothing on it --begin--> marked, users and appointments --finish--> statement and first block --> not marked
 */

/** What there is. */
export type ImportState = 'new' | 'begun' | 'done';

/** Rejects with `ImportError` if something else is there than an import of just this. */
export async function importState({ jsm, patiently }: LogAccess, wish: LogWish, digest: string): Promise<ImportState> {
  const chain = await patiently(() => readStream(jsm, CHAIN));
  if (!chain) return 'new';
  const { metadata = {} } = chain.config;
  const owner = metadata['argus.tower'];
  if (owner !== wish.towerId)
    throw new ImportError(`the log is that of tower ${owner}, and the old tower is ${wish.towerId}`);
  const mark = metadata[IMPORTING];
  if (mark !== undefined && mark !== digest)
    throw new ImportError(`an import was begun here of something else, or the old tower has run since. ${BEGIN_AGAIN}`);
  const statement = await firstStatement(jsm, chain);
  if (statement?.digest === digest) return 'done';
  if (chain.state.last_seq > 0 || (mark === undefined && (await isLivedIn({ jsm }, chain))))
    throw new ImportError(`the tower here has begun its own log: a tower is imported into a new one. ${BEGIN_AGAIN}`);
  return mark === undefined ? 'new' : 'begun';
}

const BEGIN_AGAIN = 'To begin again, give a --data folder, or NATS servers, with nothing of a tower on them';

async function firstStatement(jsm: LogAccess['jsm'], chain: StreamInfo): Promise<TowerImported | undefined> {
  if (chain.state.last_seq === 0) return undefined;
  const { data } = await jsm.streams.getMessage(CHAIN, { seq: 1 });
  const { events } = decodeCommit(data) as ChainCommit;
  return events.find((event) => event.type === 'TowerImported');
}

async function isLivedIn({ jsm }: Pick<LogAccess, 'jsm'>, chain: StreamInfo): Promise<boolean> {
  const shards = Number(chain.config.metadata?.['argus.shards'] ?? 1);
  for (let shard = 0; shard < shards; shard++)
    if (((await readStream(jsm, towerStream(shard as Shard)))?.state.last_seq ?? 0) > 0) return true;
  return false;
}

/** A log that is marked. */
export interface MarkedLog {
  readonly log: EventLog;
  readonly shards: number;
}

/** Makes the log, or goes on with it. Rejects with `StreamDriftError` if it is not as wished. */
export async function beginImport(access: LogAccess, wish: LogWish, digest: string): Promise<MarkedLog> {
  const { nc, jsm, patiently } = access;
  const marked = { ...wish, importing: digest };
  const { layout } = await patiently(() => ensureStreams(nc, marked));
  const chain = await patiently(() => readStream(jsm, CHAIN));
  if (chain?.config.metadata?.[IMPORTING] === undefined) {
    // Made by `argus init`, and not marked from its first moment.
    await jsm.streams.update(CHAIN, { metadata: { ...chain?.config.metadata, [IMPORTING]: digest } });
    if ((await importState(access, wish, digest)) !== 'begun')
      throw new ImportError(`a node has begun the log. ${BEGIN_AGAIN}`);
  }
  return { log: await EventLog.open(nc), shards: layout.shards };
}

/** Says that it was all, with the first block. Rejects with `ImportError` if a node was faster, which then works with a part of it. */
export async function finishImport(
  { log }: MarkedLog,
  statement: TowerImported,
  { connected, txidsInternal }: Block,
  node: string,
): Promise<void> {
  if (txidsInternal) await new TxidStore(log).put(connected.hash, txidsInternal);
  const commit = newCommit(chainAggregate, [statement, connected], node, Date.now()) as Omit<Commit, 'position'>;
  const appended = await log.append(commit, { shard: 0 as Shard, expected: 0, patience: 30_000 });
  if (appended.kind === 'conflict') throw new ImportError(`a node has begun the log meanwhile. ${BEGIN_AGAIN}`);
}

/** Lets nodes start. */
export async function endImport({ jsm }: LogAccess): Promise<void> {
  const chain = await readStream(jsm, CHAIN);
  const { [IMPORTING]: mark, ...metadata } = chain?.config.metadata ?? {};
  if (mark !== undefined) await jsm.streams.update(CHAIN, { metadata });
}
