import assert from 'node:assert/strict';
import type { Shard } from '../../events/ids.js';
import { connectLog } from '../../events/log/connection.js';
import { ensureStreams } from '../../events/log/ensure-streams.js';
import { EventLog } from '../../events/log/log.js';
import type { RebuildNeeds } from '../../events/log/rebuild-stream.js';
import { type LogLayout, wantedStreams } from '../../events/log/streams.js';
import { ensureTrimStreams, writeLeaves, writeTrim } from '../../events/log/trim-writer.js';
import { leafHash } from '../../events/proofs/merkle.js';
import { signMessage } from '../../events/signing/message.js';
import { headSecret, headTower } from '../fixtures/stored-heads.js';
import { layout as anyLayout, userCommit } from './log.js';
import { never } from './made-up-log.js';
import { startTestNats } from './nats.js';
import type { Cleanup } from './temp-dir.js';

/** A log of `headTower` whose shard has so many messages, each of another user, and is to be trimmed up to a cut. */
export const [COUNT, CUT] = [13, 10];
export const KEPT = [1, 4, 5, 10];
export const DROPPED = [2, 3, 6, 7, 8, 9];
export const layout: LogLayout = { ...anyLayout, towerId: headTower };
const shard = 0 as Shard;
export const wanted = wantedStreams(layout).find(({ name }) => name === 'TOWER_0') ?? assert.fail();

/** That log on a real server, where what is to be known of its trim is written down, under this key, and nothing is taken yet. */
export async function startUntrimmedLog(t: Cleanup, secret = headSecret) {
  const nats = await startTestNats(t);
  const nc = await connectLog({ servers: nats.url, seed: nats.nodeSeed, name: 'test' });
  t.after(() => nc.close());
  await ensureStreams(nc, layout);
  const log = await EventLog.open(nc);
  const fill = async () => {
    for (let i = 0; i < COUNT; i++)
      await log.append(userCommit(`user ${i + 1}`), { shard, expected: 0, patience: 5_000 });
  };
  await fill();
  const all = Array.from({ length: COUNT }, (_, i) => log.bytesAt(i + 1, shard));
  const leaves = (await Promise.all(all)).map(leafHash);
  await ensureTrimStreams(log.jsm, layout);
  await writeLeaves(log, shard, each(leaves.slice(0, CUT)));
  const hash = 'ab'.repeat(32);
  const about = { shard, cut: CUT, root: hash, head: { position: 1, sha256: hash } };
  await writeTrim(log, about, KEPT, (message) => signMessage(message, secret));
  /** A new stream in the place of whatever there is, with as many messages. */
  const renew = async () => {
    for (const name of ['TOWER_0', 'COPY_0']) await log.jsm.streams.delete(name).catch(() => {});
    await log.jsm.streams.add(wanted);
    await fill();
  };
  const needs = (more: Partial<RebuildNeeds> = {}): RebuildNeeds => ({
    nc,
    jsm: log.jsm,
    shard,
    cut: CUT,
    wanted,
    drop: () => DROPPED,
    frozen: async () => {},
    verify: async ({ state }) => assert.equal(state.messages, COUNT - DROPPED.length),
    compare: async () => {},
    step: () => {},
    signal: never,
    ...more,
  });
  return { nats, nc, log, jsm: log.jsm, leaves, renew, needs };
}

export async function* each<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all;
}
