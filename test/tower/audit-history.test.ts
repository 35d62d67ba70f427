import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fromHex, reversed, toHex } from '../../events/bytes.js';
import { appointmentId } from '../../events/signing/appointment.js';
import { txid } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { auditorsWay } from '../support/auditor-command.js';
import { mineEmpty } from '../support/breach.js';
import { followCommand } from '../support/follow-command.js';
import { type LivedTower, livedTower } from '../support/lived-tower.js';
import { parquetRows } from '../support/parquet-rows.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import type { TestTower } from '../support/tower.js';
import { until } from '../support/until.js';

/** What an auditor is told of a tower that saw a breach, a reorg, a renewal, an update and an expiry. */
describe("an auditor's history", () => {
  const cleanups: (() => unknown)[] = [];
  const t: Cleanup = { after: (cleanup) => void cleanups.push(cleanup) };
  let lived: LivedTower;
  let tower: TestTower;
  let way: string[];
  let folder: string;

  before(async () => {
    lived = await livedTower(t);
    tower = lived.tower;
    way = auditorsWay(t, tower.nats);
    folder = tempDir(t);
  });
  after(async () => {
    for (const cleanup of cleanups) await cleanup();
  });

  const audit = (...args: string[]) => argus(['audit', ...args, ...way]);
  const told = async (...args: string[]) => {
    const { status, stdout, stderr } = await audit(...args);
    assert.deepEqual([status, stderr], [0, '']);
    return stdout;
  };
  const rowsOf = async (...args: string[]): Promise<Record<string, unknown>[]> => parsed(await told(...args));

  test('replays the state at any moment, as the node itself has it', async () => {
    const { alice, bob, breach, quiet, quietHeight } = lived;
    const [now, then, atHeight, bobs, summary] = await Promise.all([
      rowsOf('replay', '--json'),
      rowsOf('replay', '--json', '--until', String(quiet)),
      rowsOf('replay', '--json', '--height', String(quietHeight)),
      rowsOf('replay', '--json', '--user', bob),
      told('replay', '--summary'),
    ]);
    const of = (rows: Record<string, unknown>[], kind: string) => rows.filter((row) => row.kind === kind);
    const { tip } = tower.node.chain.state;
    const state = tower.node.shards[0];
    assert(tip && state);
    assert.deepEqual(of(now, 'tip'), [{ kind: 'tip', height: tip.height, hash: tip.hash }]);
    assert.deepEqual(of(now, 'shard'), [
      { kind: 'shard', shard: 0, position: state.position, scanned_height: tip.height, ...state.counts },
    ]);
    assert.deepEqual(
      of(now, 'user').map(({ user_id, status, available_slots }) => [user_id, status, available_slots]),
      [
        [alice, 'registered', 20_000 - 2],
        [bob, 'outdated', null],
      ],
    );
    assert.deepEqual(
      of(now, 'appointment').map(({ user_id, blob_bytes, slots }) => [user_id, blob_bytes, slots]),
      [[alice, 3_016, 2]],
    );
    assert.deepEqual(
      of(now, 'tracker').map(({ stage, dispute_txid, penalty_txid }) => [stage, dispute_txid, penalty_txid]),
      [['irrevocable', breach.disputeTxid, breach.penaltyTxid]],
    );

    assert.deepEqual([of(then, 'appointment').length, of(then, 'tracker').length], [3, 0]);
    assert.deepEqual(of(then, 'tip')[0]?.height, quietHeight);
    assert.deepEqual(atHeight, then, 'a quiet block is the same moment');
    assert.deepEqual(
      bobs.map(({ kind, user_id }) => [kind, user_id]),
      [['user', bob]],
    );
    assert.match(summary, new RegExp(`^tip ${tip.height} ${tip.hash}\n\nshards\nSHARD +LOG POSITION`));
  });

  test('tells what changed between two moments', async () => {
    const { alice, bob, breach, quiet, quietHeight } = lived;
    const [lines, rows] = await Promise.all([
      told('replay', '--diff', String(quiet), 'end'),
      rowsOf('replay', '--json', '--diff', `height:${quietHeight}`, 'end', '--user', bob),
    ]);
    const dispute = appointmentId(breach.locator, alice);
    assert.match(lines, new RegExp(`^tip moved: height ${quietHeight} -> `));
    assert.match(lines, new RegExp(`^user ${bob} changed: status registered -> outdated, dialect python -> null`, 'm'));
    assert.match(lines, new RegExp(`^appointment ${dispute} ended$`, 'm'));
    assert.match(lines, new RegExp(`^tracker ${dispute} begun: .*stage irrevocable`, 'm'));
    assert.deepEqual(
      rows.map(({ kind, change }) => [kind, change]),
      [
        ['user', 'changed'],
        ['appointment', 'ended'],
      ],
    );
  });

  test('tells all that happened to a user, a locator, an appointment and a penalty', async () => {
    const { alice, breach, quiet } = lived;
    const id = appointmentId(breach.locator, alice);
    const [ofUser, ...others] = await Promise.all(
      [alice, toHex(reversed(fromHex(breach.locator))), breach.penaltyTxid].map((text) => told('timeline', text)),
    );
    const story = [
      /accepted: locator/,
      /breach detected \(watcher\) in block/,
      /penalty [0-9a-f]{64} broadcast at block/,
      /dispute [0-9a-f]{64} reorged out of block/,
      /breach detected \(watcher\) in block/,
      /penalty [0-9a-f]{64} confirmed in block/,
      /penalty [0-9a-f]{64} irrevocable at block/,
      /ended, resolved: 1 slot given back/,
    ];
    for (const text of others) assertStory(text, story);
    const [accepted, ...rest] = story;
    assert(accepted);
    assertStory(ofUser ?? '', [
      /registered \(rust\): 10000 slots/,
      accepted,
      /accepted: locator/,
      /updated: locator .* 3016 bytes/,
      /subscription renewed \(rust\): 10000 slots more/,
      ...rest,
    ]);
    const [rows, nothing] = await Promise.all([
      rowsOf('timeline', id, '--json', '--until', String(quiet)),
      audit('timeline', txid('never')),
    ]);
    assert.deepEqual(
      rows.map(({ type, user_id, locator }) => [type, user_id, locator]),
      [['AppointmentAccepted', alice, breach.locator]],
    );
    assert.deepEqual([nothing.status, nothing.stdout], [1, '']);
    assert.match(nothing.stderr, /nothing on the log is about/);
  });

  test('exports the same events as JSON lines and in Parquet, all or a range of them', async () => {
    const { quietHeight } = lived;
    const parquet = join(folder, 'events.parquet');
    const [rows] = await Promise.all([rowsOf('export'), told('export', '--format', 'parquet', '--out', parquet)]);
    assert.deepEqual(await parquetRows(parquet), rows);
    assert.ok(!existsSync(`${parquet}.part`));
    const { position } = tower.node.chain.state;
    const ofChain = rows.filter(({ stream }) => stream === 'CHAIN');
    assert.deepEqual([ofChain[0]?.position, ofChain.at(-1)?.position], [1, position]);
    assert.equal(rows.at(-1)?.position, tower.node.shards[0]?.position);

    const next = `height:${quietHeight + 1}`;
    const [range, block, again] = await Promise.all([
      rowsOf('export', '--shard', '0', '--from', '3', '--until', '5'),
      rowsOf('export', '--from', next, '--until', next),
      audit('export', '--format', 'parquet', '--out', parquet),
    ]);
    assert.deepEqual(
      range,
      rows.filter((row) => row.shard === 0 && Number(row.position) >= 3 && Number(row.position) <= 5),
    );
    assert.equal(block[0]?.type, 'BlockConnected');
    assert.equal(block.at(-1)?.type, 'BlockScanned');

    assert.equal(again.status, 2);
    assert.match(again.stderr, /is there already; --force/);
  });

  test('goes on with an export that was broken off, which left nothing under its name', async () => {
    const [whole, broken] = [join(folder, 'whole.ndjson'), join(folder, 'broken.ndjson')];
    await told('export', '--out', whole);
    const bytes = readFileSync(whole);
    writeFileSync(`${broken}.part`, bytes.subarray(0, bytes.length / 2));
    await told('export', '--out', broken, '--resume');
    assert.ok(readFileSync(broken).equals(bytes) && !existsSync(`${broken}.part`));
  });

  test('counts what happened, and how long the breach waited', async () => {
    const { quiet } = lived;
    const [[all], [later], text] = await Promise.all([
      rowsOf('stats', '--json'),
      rowsOf('stats', '--json', '--from', String(quiet + 1)),
      told('stats'),
    ]);
    assert.deepEqual(all?.users, { registered: 2, renewed: 1, outdated: 1 });
    assert.deepEqual(all?.appointments, { accepted: 3, updated: 1, ended: { expired: 1, resolved: 1 } });
    assert.deepEqual(all?.slots, { sold: 30_000, charged: 4, refunded: 2 });
    assert(all);
    assert.equal((all.blocks as { reorgs: number }).reorgs, 1);
    const { detected_to_broadcast_blocks: sent, detected_to_confirmed_blocks: mined } = all.answers as Record<
      string,
      unknown
    >;
    assert.deepEqual([sent, mined], [spread(0), spread(3)]);
    assert.deepEqual(all?.at_end, {
      height: tower.node.chain.state.tip?.height,
      users: 1,
      slots_available: 19_998,
      appointments: 1,
      trackers: 0,
    });
    assert.deepEqual(later?.users, { registered: 0, renewed: 0, outdated: 1 });
    assert.deepEqual(
      [later?.appointments, later?.answers],
      [{ accepted: 0, updated: 0, ended: { expired: 1, resolved: 1 } }, all?.answers],
    );
    assert.match(text, /^ {2}ended +expired 1, resolved 1$/m);
    assert.match(text, /^detected to broadcast blocks +1 +0 +0 +0 +0$/m);
  });

  test('is followed live, from now or from a moment, until ctrl-c or until nobody reads', async (t) => {
    const { quietHeight } = lived;
    const all = followCommand(t, way);
    const blocks = followCommand(t, [...way, '--json', '--type', 'BlockConnected', '--from', `height:${quietHeight}`]);
    let isThere = false;
    const first = all.line();
    void first.then(() => (isThere = true));
    await until('it follows', async () => {
      await mineEmpty(tower, 1);
      return isThere;
    });
    assert.match(await first, / (CHAIN|TOWER_0):\d+ +(chain|scan) +block \d+ [0-9a-f]{64} (connected|scanned)/);
    const tip = await tower.chain.height();
    const heights: number[] = [];
    while (heights.at(-1) !== tip) {
      const { type, height } = JSON.parse(await blocks.line());
      assert.equal(type, 'BlockConnected');
      heights.push(height);
    }
    assert.deepEqual([heights[0], new Set(heights).size], [quietHeight, tip - quietHeight + 1]);
    all.child.kill('SIGINT');
    assert.deepEqual(await all.ended, { status: 0, stderr: '' });
    blocks.child.stdout.destroy();
    await mineEmpty(tower, 2);
    assert.deepEqual(await blocks.ended, { status: 0, stderr: '' });
  });

  test('is refused what is not understood, with status 2 and why', async () => {
    const cases: [RegExp, ...string[]][] = [
      [/tomorrow is not a position/, 'replay', '--until', 'tomorrow'],
      [/no block of height 9999999/, 'replay', '--height', '9999999'],
      [/no shard 7/, 'export', '--shard', '7'],
      [/there is no event Breach; there are/, 'follow', '--type', 'Breach'],
      [/what to tell of is a user id/, 'timeline', 'alice'],
    ];
    await Promise.all(
      cases.map(async ([why, ...args]) => {
        const { status, stderr, stdout } = await audit(...args);
        assert.deepEqual([status, stdout], [2, ''], stderr);
        assert.match(stderr, why);
      }),
    );
  });
});

const parsed = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const spread = (value: number) => ({ count: 1, p50: value, p90: value, p99: value, most: value });

/** Every line is one of these, in this order. */
function assertStory(text: string, story: readonly RegExp[]): void {
  const lines = text.trimEnd().split('\n');
  assert.equal(lines.length, story.length, text);
  story.forEach((words, i) => void assert.match(lines[i] ?? '', words));
}
