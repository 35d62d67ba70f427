import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockFeed, type BlockListener } from '../../../actors/runtime/block-feed.js';
import type { ChainEvent } from '../../../events/chain.js';
import type { ChainCommit } from '../../../events/commit.js';
import { CHAIN } from '../../../events/log/streams.js';
import { BlockWindow } from '../../../projections/block-window.js';
import { Fold } from '../../../projections/fold.js';
import { RecentStarts } from '../../../projections/recent-starts.js';
import { Scans } from '../../../projections/scans.js';
import { chainCommit, connected, connectedUpTo, disconnected } from '../../fixtures/blocks.js';
import { shard, startTestLog } from '../../support/log.js';
import { until } from '../../support/until.js';

/** Every order in which a block and the end of the work on the one before it can come: so many turns later each time. */
const TURNS = 40;

test('a block that is folded while the work on the one before ends is not overlooked', async (t) => {
  const { log } = await startTestLog(t);
  for (let turns = 0; turns < TURNS; turns++) {
    const chain = new Fold<ChainCommit, BlockWindow>(log, CHAIN, shard, new BlockWindow(), assert.fail);
    t.after(() => chain.stop());
    const fold = (height: number) => {
      const commit = chainCommit(height, connected(height));
      chain.state.apply(commit);
      chain.emit('folded', commit);
    };
    fold(1);
    const told: number[] = [];
    const listener: BlockListener = {
      blocksConnected: async ({ blocks }) => {
        told.push(...blocks.map(({ height }) => height));
        if (told.length === 1) void later(turns, () => fold(2));
      },
      blockDisconnected: async () => assert.fail(),
    };
    const txids = async () => new Uint8Array(32);
    const feed = new BlockFeed({
      chain,
      scans: new Scans(),
      recentStarts: new RecentStarts(),
      lookBack: 6,
      txids,
      unread: txids,
      listeners: [listener],
    });
    const running = feed.run().catch(() => undefined);
    await until(`the second block, ${turns} turns after the first`, () => told.length === 2);
    feed.stop();
    chain.stop();
    await running;
  }
});

test('blocks that were taken out and brought back while the feed was busy are told again', async (t) => {
  const { log } = await startTestLog(t);
  const chain = new Fold<ChainCommit, BlockWindow>(log, CHAIN, shard, new BlockWindow(), assert.fail);
  t.after(() => chain.stop());
  const fold = (position: number, ...events: ChainEvent[]) => {
    const commit = chainCommit(position, ...events);
    chain.state.apply(commit);
    chain.emit('folded', commit);
  };
  fold(1, ...connectedUpTo(1, 3));
  const told: string[] = [];
  const listener: BlockListener = {
    blocksConnected: async ({ blocks }) => {
      for (const { height, position } of blocks) told.push(`+${height} of ${position}`);
      if (told.length > 3) return;
      fold(2, disconnected(3), disconnected(2), ...connectedUpTo(2, 4, 'b'));
      fold(3, ...[4, 3, 2].map((at) => disconnected(at, 'b')), ...connectedUpTo(2, 5));
    },
    blockDisconnected: async ({ height }) => void told.push(`-${height}`),
  };
  const txids = async () => new Uint8Array(32);
  const options = { chain, scans: new Scans(), recentStarts: new RecentStarts(), lookBack: 6 };
  const feed = new BlockFeed({ ...options, txids, unread: txids, listeners: [listener] });
  const running = feed.run().catch(() => undefined);
  const again = ['-3', '-2', '+2 of 3', '+3 of 3', '+4 of 3', '+5 of 3'];
  await until('all are told', () => told.length === 3 + again.length);
  feed.stop();
  chain.stop();
  await running;
  assert.deepEqual(told, ['+1 of 1', '+2 of 1', '+3 of 1', ...again]);
});

async function later(turns: number, act: () => void): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await undefined;
  act();
}
