import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import pino from 'pino';
import { Transactor } from '../../../actors/runtime/transact.js';
import { ScanRecord } from '../../../actors/watcher/scan-record.js';
import { scanAggregate } from '../../../events/aggregate.js';
import type { ShardCommit } from '../../../events/commit.js';
import type { Shard } from '../../../events/ids.js';
import { towerStream } from '../../../events/log/streams.js';
import { Fold } from '../../../projections/fold.js';
import { ShardState } from '../../../projections/shard-state.js';
import { block, work } from '../../fixtures/blocks.js';
import { MemoryLog, MemoryStreams } from '../../model/memory-log.js';
import { DirectWire } from '../../model/wire.js';

const shard = 0 as Shard;
const scan = {
  block: { ...block(1000), chainwork: work(1000), position: 1 },
  isTip: true,
  chain: { holds: () => true },
};

/** New appointments that are compared with recent blocks: so many times in a row, each until it is said to be done. */
class Comparing {
  readonly #done: (() => void)[] = [];
  asked = 0;

  constructor(private left: number) {}

  get isSettled(): boolean {
    return this.left === 0;
  }

  settled(): Promise<void> {
    this.asked++;
    return this.isSettled ? Promise.resolve() : new Promise((resolve) => this.#done.push(resolve));
  }

  /** What was asked for is done; by then there may be more. */
  done(): void {
    this.left--;
    for (const resolve of this.#done.splice(0)) resolve();
  }
}

function startRecord(t: TestContext) {
  const log = new MemoryLog(new MemoryStreams(), new DirectWire());
  const fold = new Fold<ShardCommit, ShardState>(log, towerStream(shard), shard, new ShardState(), assert.fail);
  t.after(() => fold.stop());
  const record = new ScanRecord(new Transactor(shard, log, fold, 'one'), pino({ level: 'silent' }));
  return { record, recorded: async () => (await log.load(scanAggregate, shard)).length };
}

describe('a scan', () => {
  test('is recorded when nothing is compared', async (t) => {
    const { record, recorded } = startRecord(t);
    await record.scanned(scan, new Comparing(0));
    assert.equal(await recorded(), 1);
  });

  test('waits until all that was accepted is compared with recent blocks, also what came while it waited', async (t) => {
    const { record, recorded } = startRecord(t);
    const comparing = new Comparing(2);
    const scanned = record.scanned(scan, comparing);
    for (const time of [1, 2]) {
      // Nothing here waits for a server: whatever can happen has happened after a turn.
      await turn();
      assert.equal(comparing.asked, time);
      assert.equal(await recorded(), 0);
      comparing.done();
    }
    await scanned;
    assert.equal(await recorded(), 1);
  });
});
