import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockFeed, type BlockListener } from '../../../actors/runtime/block-feed.js';
import type { ChainCommit } from '../../../events/commit.js';
import { CHAIN } from '../../../events/log/streams.js';
import { BlockWindow } from '../../../projections/block-window.js';
import { Fold } from '../../../projections/fold.js';
import { RecentStarts } from '../../../projections/recent-starts.js';
import { Scans } from '../../../projections/scans.js';
import { chainCommit, connected } from '../../fixtures/blocks.js';
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

async function later(turns: number, act: () => void): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await undefined;
  act();
}
