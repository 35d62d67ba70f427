import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Shard } from '../../events/ids.js';
import { connectLog } from '../../events/log/connection.js';
import { EventLog } from '../../events/log/log.js';
import { ShardTree } from './shard-tree.js';
import { Asked, type Said, TreeSetting } from './tree-wire.js';

/**
 * The Notary's thread for hashing: has a connection to NATS of its own, follows the stream of each shard that it is asked
 * about, and answers. What it cannot go on after ends it; `TreeKeeper` starts it anew.
 */

const { folder, ...connection } = TreeSetting.parse(workerData);
const nc = await connectLog(connection);
const log = await EventLog.open(nc);
const trees = new Map<Shard, Promise<ShardTree>>();

const say = (said: Said): void => parentPort?.postMessage(said);

function die(error: unknown): void {
  // Thrown where nobody catches it.
  setImmediate(() => {
    throw error;
  });
}

void nc.closed().then((error) => die(error ?? new Error('the connection to NATS was closed')));

function treeOf(shard: Shard): Promise<ShardTree> {
  const known = trees.get(shard);
  if (known) return known;
  const tell = (news: string, error?: Error) => say({ shard, news, why: error?.message });
  const path = join(folder, `shard-${shard}.hashes`);
  const opened = ShardTree.open({ log, shard, path, tell, fail: die });
  trees.set(shard, opened);
  opened.catch(() => trees.delete(shard));
  return opened;
}

async function answer({ id, shard, question }: Asked): Promise<void> {
  try {
    say({ id, answer: await (await treeOf(shard)).answer(question) });
  } catch (error) {
    say({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

parentPort?.on('message', (message) => void answer(Asked.parse(message)));
