import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { TowerClient } from '../../actors/client/tower-client.js';
import { clusterSubjects, NodeReport } from '../../actors/cluster-wire.js';
import type { TowerNode } from '../../actors/node.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex, sha256, toHex } from '../../events/bytes.js';
import { Shard } from '../../events/ids.js';
import { HeadStore } from '../../events/log/heads.js';
import { EventLog } from '../../events/log/log.js';
import { CHECKPOINTS } from '../../events/log/streams.js';
import { ShardState } from '../../projections/shard-state.js';
import { restoreSnapshot } from '../../projections/snapshot/snapshot.js';
import { hexOf, txid } from '../fixtures/ids.js';
import { tempDir } from '../support/temp-dir.js';
import { isInMempool, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const EVERY = 8;
const BEGINS = 'begins with a snapshot';

describe('a node that starts with a snapshot', () => {
  test('is level with the log, knows what replay would tell, answers and punishes', async (t) => {
    const { tower, client } = await withSnapshot(t);
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.restartNode();
    assert.deepEqual(streamsOf(tower, BEGINS), ['TOWER_0']);
    const answer = await (await tower.nats.connect('node')).request(clusterSubjects.nodes);
    const { shards, start_seconds: seconds } = NodeReport.parse(answer.json());
    assert.deepEqual([shards[0]?.snapshot_position, Number(seconds) > 0], [made(tower)[0]?.position, true]);
    const replayed = await tower.startNode('two', { settings: { 'snapshots.every': '0' } });
    await until('the same', () => memoryOf(replayed) === memoryOf(tower.node));
    await addSome(client, 1, 'after');
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('punished', () => isInMempool(tower, breach.penaltyTxid));
    await untilLevel(() => tower.node, tower.chain);
    await until('the same again', () => memoryOf(replayed) === memoryOf(tower.node));
    assert.deepEqual(warnings(tower), []);
  });

  test('makes the next one from it, which is what replay gives, too', async (t) => {
    const { tower, client } = await withSnapshot(t);
    const [first] = made(tower);
    await tower.restartNode();
    await addSome(client, EVERY, 'more');
    await until('the next', () => made(tower).length > 1);
    assert.equal(made(tower).at(-1)?.from, first?.position);
    await tower.restartNode();
    const replayed = await tower.startNode('two', { settings: { 'snapshots.every': '0' } });
    await until('the same', () => memoryOf(replayed) === memoryOf(tower.node));
    assert.deepEqual(warnings(tower), []);
  });

  test('finds in it the tree head that its log was signed with', async (t) => {
    const { tower, file } = await withSnapshot(t);
    const { towerId } = tower.key;
    const subject = {
      kind: 'shard',
      tower: towerId,
      network: 'regtest',
      stream: 'TOWER_0',
      shard: Shard.parse(0),
    } as const;
    const { treeHead } = restoreSnapshot(readFileSync(file), subject).snapshot.header;
    const nc = await tower.nats.connect('node');
    const { data } = await (await nc.jetstreamManager()).streams.getMessage(CHECKPOINTS, {
      seq: treeHead?.position ?? 0,
    });
    assert.equal(treeHead?.sha256, toHex(sha256(data)));
  });

  test('keeps it for its owner alone', async (t) => {
    const { file, folder } = await withSnapshot(t);
    assert.deepEqual([statSync(file).mode & 0o777, statSync(folder).mode & 0o777], [0o600, 0o700]);
  });

  test('uses none where that is switched off', async (t) => {
    const { tower } = await withSnapshot(t);
    await tower.stopNode();
    await tower.startNode('two', { settings: { 'snapshots.every': '0' } });
    assert.deepEqual(streamsOf(tower, BEGINS), []);
  });
});

describe('a snapshot that is not as it should be is told of, and all is replayed', () => {
  const cases: Record<string, [RegExp, (file: string) => void]> = {
    'cut off': [/checksum/, (file) => truncateSync(file, statSync(file).size - 1)],
    empty: [/only 0 bytes/, (file) => truncateSync(file, 0)],
    'with a bit flipped': [/checksum/, (file) => flip(file, 300)],
    'of a newer Argus': [/newer Argus/, (file) => flip(file, 9)],
    'no file': [
      /EISDIR/,
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
    ],
  };
  for (const [what, [why, harm]] of Object.entries(cases))
    test(what, async (t) => {
      const { tower, file } = await withSnapshot(t, { shared: false });
      const before = memoryOf(tower.node);
      await tower.stopNode();
      harm(file);
      await tower.restartNode();
      assert.equal(memoryOf(tower.node), before);
      const [warning, ...more] = warnings(tower);
      assert.match(String(warning?.why), why);
      assert.deepEqual([warning?.file, warning?.stream, more], [file, 'TOWER_0', []]);
      assert.deepEqual(streamsOf(tower, BEGINS), []);
    });

  test('of a log that was another, or longer, by then', async (t) => {
    const { tower, file } = await withSnapshot(t);
    const { position = 0 } = made(tower)[0] ?? {};
    for (const [length, why] of [
      [position - 3, /^it is of position \d+, and TOWER_0 ends at/],
      [position + 3, /^it is of another log/],
    ] as const) {
      const other = await startTestTower(t, { key: tower.key, settings: { 'snapshots.every': '1000' } });
      const client = await other.newClient();
      await client.register();
      await addSome(
        client,
        length - other.node.shards.reduce((most, shard) => Math.max(most, shard.position), 0),
        'other',
      );
      mkdirSync(join(other.config.data, 'snapshots'), { recursive: true });
      copyFileSync(file, join(other.config.data, 'snapshots', 'TOWER_0.snapshot'));
      await other.restartNode();
      assert.match(String(warnings(other)[0]?.why), why);
      assert.deepEqual(streamsOf(other, BEGINS), []);
    }
  });

  test('where none can be written', async (t) => {
    const { tower, client, folder } = await withSnapshot(t);
    await tower.stopNode();
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'in the way');
    await tower.restartNode();
    await addSome(client, EVERY, 'more');
    await until('told', () => warnings(tower).some(({ msg }) => msg.startsWith('a snapshot cannot be made')));
    assert.deepEqual(tower.gaveUp, []);
  });
});

describe('a start with a snapshot that fails', () => {
  test('is followed by one without', async (t) => {
    const { tower, client } = await withSnapshot(t);
    await addSome(client, 1, 'the tail');
    const before = memoryOf(tower.node);
    await tower.stopNode();
    const { apply, accept } = ShardState.prototype;
    const mend = () => Object.assign(ShardState.prototype, { apply, accept });
    t.after(mend);
    const fail = () => {
      mend();
      throw new TypeError('out of order');
    };
    Object.assign(ShardState.prototype, { apply: fail, accept: fail });
    await tower.restartNode();
    await until('made anew', () => memoryOf(tower.node) === before);
    assert.deepEqual(streamsOf(tower, BEGINS), ['TOWER_0'], 'once');
    await addSome(client, EVERY, 'more');
    await until('the next', () => made(tower).length > 1);
    assert.equal(made(tower).at(-1)?.from, 0, 'made from the beginning of the log');
  });

  test('also if it took the process with it', async (t) => {
    const { tower, folder } = await withSnapshot(t);
    await tower.stopNode();
    const mark = join(folder, 'TOWER_0.one.started');
    writeFileSync(mark, '');
    await tower.restartNode();
    assert.deepEqual(streamsOf(tower, BEGINS), []);
    assert.deepEqual(
      warnings(tower).map(({ stream }) => stream),
      ['TOWER_0'],
    );
    assert.equal(existsSync(mark), false);
  });
});

describe('the nodes of a tower share snapshots', () => {
  test('so that a new one need not read all of the log', async (t) => {
    const { tower } = await withSnapshot(t);
    const other = await tower.startNode('two', { settings: { data: tempDir(t) } });
    assert.deepEqual(streamsOf(tower, BEGINS), ['TOWER_0']);
    await until('the same', () => memoryOf(other) === memoryOf(tower.node));
    assert.deepEqual(warnings(tower), []);
  });

  test('of which one that was tampered with is refused', async (t) => {
    const { tower } = await withSnapshot(t);
    const nc = await tower.nats.connect('node');
    const store = await nc.jetstream().views.os('SNAPSHOTS');
    const info = await store.info('TOWER_0');
    const bytes = new Uint8Array((await store.getBlob('TOWER_0')) ?? []);
    bytes[500] = 255 - (bytes[500] ?? 0);
    await store.putBlob({ name: 'TOWER_0', metadata: info?.metadata ?? {} }, bytes);
    const other = await tower.startNode('two', { settings: { data: tempDir(t) } });
    assert.match(String(warnings(tower)[0]?.why), /checksum/);
    assert.deepEqual(streamsOf(tower, BEGINS), []);
    await until('the same', () => memoryOf(other) === memoryOf(tower.node));
  });
});

/** A tower that has made a snapshot of its shard, and shared it unless told otherwise. */
async function withSnapshot(t: TestContext, { shared = true } = {}) {
  const tower = await startTestTower(t, { settings: { 'snapshots.every': `${EVERY}` } });
  const client = await tower.newClient();
  await client.register();
  const heads = new HeadStore(await EventLog.open(await tower.nats.connect('node')));
  await until('the log is signed', () => heads.last(Shard.parse(0)));
  await addSome(client, EVERY, 'one');
  const told = (msg: string) => tower.said.some((line) => line.msg === msg && line.stream === 'TOWER_0');
  await until('a snapshot', () => told('a snapshot is made') && told('a snapshot is shared'));
  if (!shared)
    await (await tower.nats.connect('node'))
      .jetstream()
      .views.os('SNAPSHOTS')
      .then((os) => os.delete('TOWER_0'));
  const folder = join(tower.config.data, 'snapshots');
  return { tower, client, folder, file: join(folder, 'TOWER_0.snapshot') };
}

async function addSome(client: TowerClient, count: number, label: string) {
  for (let n = 0; n < count; n++) await client.protect(txid(`${label} ${n}`), fromHex(hexOf('blob', 32)), 144);
}

const memoryOf = (node: TowerNode): string => JSON.stringify([node.chain.state, ...node.shards]);
const streamsOf = ({ said }: TestTower, msg: string) =>
  said.filter((line) => line.msg === msg).map(({ stream }) => stream);
const warnings = ({ said }: TestTower) => said.filter(({ level, stream }) => level >= 40 && stream !== undefined);
const made = ({ said }: TestTower) =>
  said.flatMap(({ msg, stream, position, from }) =>
    msg === 'a snapshot is made' && stream === 'TOWER_0' ? [{ position: Number(position), from: Number(from) }] : [],
  );

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = 255 - (bytes[at] ?? 0);
  writeFileSync(file, bytes);
}
