import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import pino from 'pino';
import { Notary } from '../../../actors/notary/notary.js';
import { TreeKeeper } from '../../../actors/notary/tree-keeper.js';
import type { TreeSetting } from '../../../actors/notary/tree-wire.js';
import { scanAggregate } from '../../../events/aggregate.js';
import { toHex } from '../../../events/bytes.js';
import { newCommit, type ShardCommit } from '../../../events/commit.js';
import { HeadStore } from '../../../events/log/heads.js';
import type { EventLog } from '../../../events/log/log.js';
import { CHECKPOINTS, towerStream } from '../../../events/log/streams.js';
import { leafHash, nodeHash } from '../../../events/proofs/merkle.js';
import { signerIs, signMessage } from '../../../events/signing/message.js';
import { decodeHead, headHash, headMessage, type TreeHead } from '../../../events/tree-head.js';
import { Fold } from '../../../projections/fold.js';
import { ShardState } from '../../../projections/shard-state.js';
import { block } from '../../fixtures/blocks.js';
import { headSecret, headTower } from '../../fixtures/stored-heads.js';
import { appendAll, type NewCommit, shard, startTestLog, type TestLog, userCommit } from '../../support/log.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';

const program = new URL('../../../actors/notary/tree-worker.js', import.meta.url);

/** The part of a node that signs: its fold, its thread, its Notary, in a folder of its own. */
async function startNotary(t: Cleanup, { nats, open }: TestLog, folder = tempDir(t), sign = signed) {
  const said: { level: number; msg: string }[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => said.push(JSON.parse(line)) });
  const log = await open();
  const fold = new Fold<ShardCommit, ShardState>(log, towerStream(shard), shard, new ShardState(), assert.fail);
  const workers: Worker[] = [];
  const start = (workerData: TreeSetting) => {
    const worker = new Worker(program, { workerData });
    workers.push(worker);
    return worker;
  };
  const setting = { servers: nats.url, seed: nats.nodeSeed, name: 'hashing', folder };
  const trees = new TreeKeeper(setting, logger, start);
  const heads = new HeadStore(log);
  const notary = new Notary({ shard, towerId: headTower, commits: log, fold, heads, trees, sign, log: logger });
  await fold.level();
  fold.on('folded', (commit) => notary.folded(commit));
  notary.start();
  let stopped: Promise<void> | undefined;
  const stop = () => {
    notary.stop();
    fold.stop();
    stopped ??= trees.stop();
    return stopped;
  };
  t.after(stop);
  return { notary, trees, workers, said, folder, stop };
}

const signed = (message: Uint8Array): string | Promise<string> => signMessage(message, headSecret);

/** A commit that says that a block was evaluated. */
const scan = (height: number) =>
  newCommit(scanAggregate, [{ type: 'BlockScanned', ...block(height), chainPosition: height }], 'test', 0) as NewCommit;

/** A log whose blocks are evaluated, with some users' commits between them. */
async function startScannedLog(t: Cleanup) {
  const test = await startTestLog(t);
  let [height, expected] = [0, 0];
  return {
    ...test,
    async scanNext(users = 2): Promise<number> {
      await appendAll(
        test.log,
        Array.from({ length: users }, (_, i) => userCommit(`${height} ${i}`)),
      );
      ({ position: expected } = await test.log.append(scan(++height), { shard, expected, patience: 10_000 }));
      return expected;
    },
  };
}

async function headsOf(log: EventLog): Promise<TreeHead[]> {
  const last = await log.tail(CHECKPOINTS);
  const messages = Array.from({ length: last }, (_, i) => log.jsm.streams.getMessage(CHECKPOINTS, { seq: i + 1 }));
  return (await Promise.all(messages)).map(({ data }) => decodeHead(data));
}

/** The root over the first messages of the log, hashed as the RFC defines it, all at once. */
async function rootOfLog(log: EventLog, size: number): Promise<string> {
  const leaves = await Promise.all(
    Array.from({ length: size }, async (_, i) => {
      const { data } = await log.jsm.streams.getMessage(towerStream(shard), { seq: i + 1 });
      return leafHash(data);
    }),
  );
  const hash = (some: readonly Uint8Array[]): Uint8Array => {
    const [first = assert.fail(), ...rest] = some;
    if (rest.length === 0) return first;
    let left = 1;
    while (2 * left < some.length) left *= 2;
    return nodeHash(hash(some.slice(0, left)), hash(some.slice(left)));
  };
  return toHex(hash(leaves));
}

/** Each head is signed, of the log's own tree, and names the one before it. */
async function assertHeads(log: EventLog, heads: readonly TreeHead[]): Promise<void> {
  for (const [i, head] of heads.entries()) {
    assert.ok(signerIs(headMessage(head), head.signature, headTower));
    assert.equal(head.root, await rootOfLog(log, head.treeSize));
    const before = heads[i - 1];
    assert.equal(head.previous, before ? headHash(before) : null);
    assert.ok(head.treeSize > (before?.treeSize ?? 0));
  }
}

const untilSigned = (log: EventLog, size: number) =>
  until(`a head of size ${size}`, async () => (await headsOf(log)).at(-1)?.treeSize === size);

test('a head is signed at every block; who comes later signs the newest, however many were missed', async (t) => {
  const log = await startScannedLog(t);
  for (let i = 0; i < 5; i++) await log.scanNext();
  const first = await startNotary(t, log);
  await untilSigned(log.log, 15);
  for (let i = 0; i < 3; i++) await untilSigned(log.log, await log.scanNext());
  await first.stop();
  for (let i = 0; i < 5; i++) await log.scanNext();
  const last = await log.scanNext();
  const second = await startNotary(t, log, first.folder);
  await untilSigned(log.log, last);
  const heads = await headsOf(log.log);
  assert.deepEqual(
    heads.map(({ treeSize, height }) => [treeSize, height]),
    [
      [15, 5],
      [18, 6],
      [21, 7],
      [24, 8],
      [42, 14],
    ],
  );
  await assertHeads(log.log, heads);
  assert.deepEqual(second.notary.report, { size: 42, height: 14, alarm: null });
});

test('several at once, dying and coming again between any steps, sign one sequence', async (t) => {
  const log = await startScannedLog(t);
  const folders = [tempDir(t), tempDir(t), tempDir(t)];
  // Who dies takes what it was about to sign with it.
  const start = (i: number) => {
    const delay = async (message: Uint8Array) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      return signed(message);
    };
    return startNotary(t, log, folders[i], delay);
  };
  const notaries = await Promise.all(folders.map((_, i) => start(i)));
  let last = 0;
  for (let round = 0; round < 12; round++) {
    last = await log.scanNext(round % 4);
    const i = round % notaries.length;
    await notaries[i]?.stop();
    notaries[i] = await start(i);
  }
  await untilSigned(log.log, last);
  await until('all know it', () => notaries.every(({ notary }) => notary.report.size === last));
  await assertHeads(log.log, await headsOf(log.log));
  assert.ok(notaries.every(({ notary }) => notary.report.alarm === null));
});

describe('a head that is not of this log', () => {
  const forge = async ({ log }: TestLog, change: Partial<TreeHead>, secret = headSecret) => {
    const heads = new HeadStore(log);
    const last = (await heads.last(shard)) ?? assert.fail('no head');
    const { signature: _, ...head } = { ...last.head, previous: headHash(last.head), ...change };
    assert.ok(await heads.append({ ...head, signature: signMessage(headMessage(head), secret) }, last.position));
  };

  for (const [what, change, secret, said] of [
    [
      'of another tree',
      { treeSize: 4, position: 4, root: 'ab'.repeat(32) },
      headSecret,
      /has the root abab.*where the log has/,
    ],
    ['of more than there is', { treeSize: 99, position: 99 }, headSecret, /is over more than the log holds/],
    ['of another key', {}, new Uint8Array(32).fill(8), /is not signed by the tower/],
    ['of another shard', { shard: 7 as TreeHead['shard'] }, headSecret, /is one of shard 7/],
  ] as const)
    test(`is called out, and nothing is signed behind it: ${what}`, async (t) => {
      const log = await startScannedLog(t);
      const { notary, said: lines } = await startNotary(t, log);
      await untilSigned(log.log, await log.scanNext());
      // As it would be appended: under the shard's subject, whatever it says.
      const data = async () => {
        const last = (await new HeadStore(log.log).last(shard)) ?? assert.fail();
        const { signature: _, ...head } = { ...last.head, previous: headHash(last.head), ...change };
        const text = JSON.stringify({ ...head, signature: signMessage(headMessage(head), secret) });
        return { subject: `argus.checkpoint.${shard}`, data: Buffer.from(text) };
      };
      if (what === 'of another tree') await forge(log, change, secret);
      else await log.log.store(CHECKPOINTS, await data());
      await log.scanNext();
      await until('the alarm', () => said.test(notary.report.alarm ?? ''));
      await log.scanNext();
      await until('it says so again', () => lines.filter(({ level }) => level === 50).length >= 2);
      assert.equal(await log.log.tail(CHECKPOINTS), 2);
    });
});

describe('the files of the tree', () => {
  test('are made anew where they are not of this log', async (t) => {
    const [one, other] = [await startScannedLog(t), await startScannedLog(t)];
    const first = await startNotary(t, one);
    await untilSigned(one.log, await one.scanNext(9));
    await until('kept', () => existsSync(join(first.folder, `shard-${shard}.hashes.kept`)));
    await first.stop();
    const last = await other.scanNext(20);
    await startNotary(t, other, first.folder);
    await untilSigned(other.log, last);
    await assertHeads(other.log, await headsOf(other.log));
  });

  test('are made anew where nothing of what was signed would follow from them: no wrong root is signed', async (t) => {
    const log = await startScannedLog(t);
    const { folder, notary } = await startNotary(t, log);
    await untilSigned(log.log, await log.scanNext(9));
    for (let i = 0; i < 3; i++) {
      writeFileSync(join(folder, `shard-${shard}.hashes`), Buffer.alloc(18 * 32));
      await untilSigned(log.log, await log.scanNext());
    }
    await assertHeads(log.log, await headsOf(log.log));
    assert.equal(notary.report.alarm, null);
  });

  test('are made anew where they contradict the head on the log', async (t) => {
    const log = await startScannedLog(t);
    const folder = tempDir(t);
    const first = await startNotary(t, log, folder);
    await untilSigned(log.log, await log.scanNext(9));
    writeFileSync(join(folder, `shard-${shard}.hashes`), Buffer.alloc(18 * 32));
    const second = await startNotary(t, log);
    await untilSigned(log.log, await log.scanNext());
    await until('both know it', () => [first, second].every(({ notary }) => notary.report.size === 13));
    for (let i = 0; i < 3; i++) await untilSigned(log.log, await log.scanNext());
    await assertHeads(log.log, await headsOf(log.log));
    assert.deepEqual([first.notary.report.alarm, second.notary.report.alarm], [null, null]);
  });
});

test('a thread that dies is started anew, and heads go on', async (t) => {
  const log = await startScannedLog(t);
  const { workers, said } = await startNotary(t, log);
  for (let deaths = 0; deaths < 3; deaths++) {
    await untilSigned(log.log, await log.scanNext());
    const worker = workers.at(-1) ?? assert.fail();
    const gone = once(worker, 'exit');
    await worker.terminate();
    await gone;
  }
  await untilSigned(log.log, await log.scanNext());
  assert.equal(workers.length, 4);
  assert.equal(said.filter(({ level }) => level === 50).length, 3);
  await assertHeads(log.log, await headsOf(log.log));
});
