import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { towerKey } from '../../actors/secrets.js';
import { findServer } from '../../cli/servers/find.js';
import { freePorts } from '../../cli/servers/ports.js';
import { argus } from '../support/argus.js';
import { startTestNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { whereaboutsOf } from '../support/whereabouts.js';

describe('argus init', () => {
  test('makes a log and a key, and finds the same again', async (t) => {
    const nats = await startTestNats(t);
    const { data, where } = whereaboutsOf(t, nats);
    const first = await argus(['init', '--shards', '2', ...where]);
    const { towerId } = towerKey(join(data, 'tower.key'));
    const lines = (made: string) => [
      `tower id  ${towerId}`,
      'network   regtest',
      'shards    2',
      'replicas  1',
      'STREAM         MADE',
      ...['CHAIN', 'TXIDS', 'CHECKPOINTS', 'POLICY', 'TOWER_0', 'BLOBS_0', 'TOWER_1', 'BLOBS_1', 'OBJ_SNAPSHOTS'].map(
        (name) => `${name.padEnd(15)}${made}`,
      ),
      '',
    ];
    assert.deepEqual(first, { status: 0, stderr: '', stdout: lines('now').join('\n') });
    const jsm = await (await nats.connect('node')).jetstreamManager();
    const names = (await jsm.streams.names().next()).sort();
    assert.deepEqual(names, [
      'BLOBS_0',
      'BLOBS_1',
      'CHAIN',
      'CHECKPOINTS',
      'OBJ_SNAPSHOTS',
      'POLICY',
      'TOWER_0',
      'TOWER_1',
      'TXIDS',
    ]);
    for (const same of [[], ['--shards', '2', '--replicas', '1']])
      assert.deepEqual(await argus(['init', ...same, ...where]), { ...first, stdout: lines('before').join('\n') });
    const { status, stdout } = await argus(['init', '--json', ...where]);
    const { streams, ...fields } = JSON.parse(stdout);
    const said = { tower_id: towerId, network: 'regtest', shards: 2, replicas: 1, stream_drift: [] };
    assert.deepEqual([status, fields, streams.length], [0, said, 9]);
  });

  test('refuses a log that was made for something else, and leaves it as it is', async (t) => {
    const nats = await startTestNats(t);
    const { where } = whereaboutsOf(t, nats);
    assert.equal((await argus(['init', ...where])).status, 0);
    const jsm = await (await nats.connect('node')).jetstreamManager();
    const before = await jsm.streams.list().next();
    for (const [args, said] of [
      [['--shards', '3', ...where], /CHAIN: argus\.shards is 1, not 3\n {2}Shards are fixed when the log is made/],
      [['--replicas', '3', ...where], /CHAIN: num_replicas is 1, not 3\n[\s\S]*`argus migrate`/],
      [[...where, '--network', 'signet'], /CHAIN: argus\.network is regtest, not signet/],
      [whereaboutsOf(t, nats).where, /CHAIN: argus\.tower is 0[23][0-9a-f]{64}, not 0[23][0-9a-f]{64}/],
    ] as const) {
      const { status, stdout, stderr } = await argus(['init', ...args]);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, said);
    }
    const after = await jsm.streams.list().next();
    assert.deepEqual(
      after.map(({ config }) => config),
      before.map(({ config }) => config),
    );
  });

  test('without --nats works on a server of its own, which ends with it', async (t) => {
    const data = join(tempDir(t), 'data');
    const [port = 0] = await freePorts(1);
    const env = { NATS_SERVER: findServer('nats-server') };
    const where = ['--network', 'regtest', '--data', data, '--nats-port', String(port)];
    const first = await argus(['init', '--shards', '2', '--json', ...where], { env });
    assert.deepEqual([first.status, first.stderr], [0, '']);
    const again = JSON.parse((await argus(['init', '--json', ...where], { env })).stdout);
    assert.equal(again.shards, 2);
    assert.ok(again.streams.every(({ made }: { made: string }) => made === 'before'));
    const nothing = await argus(['init', ...where, '--nats', `nats://127.0.0.1:${port}`]);
    assert.deepEqual(
      [nothing.status, nothing.stderr],
      [1, `argus: nats://127.0.0.1:${port} does not answer. Is NATS up?\n`],
    );
  });

  test('makes no key where it cannot reach NATS', async (t) => {
    const nats = await startTestNats(t);
    const { data, where } = whereaboutsOf(t, { ...nats, nodeSeed: nats.operatorSeed, url: 'nats://127.0.0.1:1' });
    assert.equal((await argus(['init', ...where])).status, 1);
    assert.equal(existsSync(join(data, 'tower.key')), false);
  });
});
