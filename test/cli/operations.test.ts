import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import type { BitcoindRpc } from '../../actors/bitcoind/rpc.js';
import { packageRoot } from '../../actors/package-root.js';
import { startChild } from '../../cli/servers/child.js';
import { findServer } from '../../cli/servers/find.js';
import { freePorts } from '../../cli/servers/ports.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { argus, MAIN } from '../support/argus.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { startTestCluster } from '../support/nats-cluster.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';

/** What docs/operations.md has an operator do, done: the same commands, on real servers. */

const text = readFileSync(join(packageRoot, 'docs', 'operations.md'), 'utf8');

/** The first cells of all rows of tables, as they are between their backticks. */
const rows = [...text.matchAll(/^\| `([^|]+)` \|/gm)].map(([, cell = '']) => cell);

/** What is put in for the moment, as X: `${...}` of the source, words in capitals of the page. */
const bare = (alarm: string) => alarm.replace(/\b[A-Z]{4,}\b|\bN\b/g, 'X');
function templates(source: string): string[] {
  let flat = source;
  for (let before = ''; before !== flat; ) {
    before = flat;
    flat = flat.replace(/\$?\{[^{}`]*\}/g, 'X');
  }
  return [...flat.matchAll(/`([a-z][^`]*)`/g)].map(([, alarm = '']) => alarm);
}

describe('docs/operations.md has a cure', () => {
  test('for every alarm that argus cluster, argus alert and the web page may show', () => {
    const source = readFileSync(join(packageRoot, 'actors', 'alarms.ts'), 'utf8');
    const alarms = templates(source).filter((line) => /^(node|no|several|bitcoind|stream) /.test(line));
    assert.ok(alarms.length >= 10, alarms.join('\n'));
    const known = rows.map(bare);
    const missing = alarms.filter((alarm) => !known.some((row) => alarm.startsWith(row)));
    assert.deepEqual(missing, []);
  });

  test('for every kind of argus alert, and every rule for Prometheus', () => {
    const rules = readFileSync(join(packageRoot, 'docs', 'monitoring', 'alerts.yml'), 'utf8');
    const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
    assert.ok(names.length > 10);
    for (const name of [...names, 'breach', 'stuck-penalty', 'the tower cannot be asked', 'node NAME is gone'])
      assert.ok(rows.includes(name), name);
  });
});

/** A bitcoind, and flags for nodes on it. */
async function onBitcoind(t: Cleanup) {
  const bitcoind = await startTestBitcoind(t);
  const chain = new RegtestChain(bitcoind.rpc);
  await chain.mine(5);
  const ofBitcoind = [
    '--bitcoind',
    bitcoind.rpcUrl,
    '--bitcoind-cookie',
    bitcoind.cookieFile,
    '--zmq',
    bitcoind.zmqUrl,
  ];
  return { chain, rpc: bitcoind.rpc, ofBitcoind };
}

/** Some transaction, in hex. */
async function aTransaction(rpc: BitcoindRpc): Promise<string> {
  const block = await rpc.call('getblock', await rpc.call('getblockhash', 1), 2);
  return z.object({ tx: z.array(z.object({ hex: z.string() })).min(1) }).parse(block).tx[0]?.hex ?? '';
}

const env = { NATS_SERVER: findServer('nats-server') };

/** Runs a command that has to go well. */
async function done(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await argus(args, { env });
  assert.equal(status, 0, `argus ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

async function startUp(t: Cleanup, folder: string, ...args: string[]) {
  const child = await startChild({
    program: process.execPath,
    args: [MAIN, 'up', ...args],
    logFile: join(folder, 'up.log'),
    graceMs: 30_000,
    env,
  });
  t.after(() => child.stop());
  await until('argus up', () => child.tail(60).includes(' is up.'));
  return { stop: async () => assert.deepEqual(await child.stop(), { code: 0, signal: null }) };
}

test('a tower goes to another machine by a copy of its folder, which has forgotten what came after it', async (t) => {
  const { chain, rpc, ofBitcoind } = await onBitcoind(t);
  const folder = tempDir(t);
  const data = join(folder, 'data');
  const [nats = 0, http = 0] = await freePorts(2);
  const ports = ['--nats-port', String(nats), '--http', `127.0.0.1:${http}`, '--web', 'off'];
  const made = await done('init', '--yes', '--json', '--network', 'regtest', '--data', data, ...ofBitcoind, ...ports);
  const tower: string = JSON.parse(made).tower_id;

  const client = ['--tower', `${tower}@127.0.0.1:${http}`, '--folder', join(folder, 'client')];
  const penalty = join(folder, 'penalty.hex');
  writeFileSync(penalty, await aTransaction(rpc));
  const add = async (dispute: string): Promise<string> =>
    JSON.parse(
      await done('client', 'add', ...client, '--json', '--dispute', dispute.repeat(32), '--delay', '144', penalty),
    ).locator;

  const first = await startUp(t, folder, '--data', data);
  await done('client', 'register', ...client);
  const before = await add('a1');
  await first.stop();
  execFileSync('tar', ['-C', data, '-czf', join(folder, 'copy.tgz'), '.']);

  const second = await startUp(t, folder, '--data', data);
  const after = await add('b2');
  await chain.mine(2);
  await second.stop();

  const moved = join(folder, 'other', 'place');
  mkdirSync(moved, { recursive: true, mode: 0o700 });
  execFileSync('tar', ['-C', moved, '-xzf', join(folder, 'copy.tgz')]);
  await startUp(t, folder, '--data', moved);
  await done('client', 'get', ...client, before);
  const lost = await argus(['client', 'get', ...client, after], { env });
  assert.deepEqual([lost.status, lost.stderr], [1, 'argus: Appointment not found\n']);
  await done('audit', 'verify', '--data', moved, '--tower', tower);
  assert.equal(await add('b2'), after, 'and takes it again');
  await done('client', 'get', ...client, after);
});

test('a dead machine of three is replaced by an empty one', async (t) => {
  const [{ ofBitcoind }, cluster] = await Promise.all([onBitcoind(t), startTestCluster(t)]);
  const folder = tempDir(t);
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  for (const [name, seed] of Object.entries({ node: cluster.nodeSeed, operator: cluster.operatorSeed })) {
    mkdirSync(join(one, 'nats'), { recursive: true, mode: 0o700 });
    writeFileSync(join(one, 'nats', `${name}.nkey`), `${seed}\n`, { mode: 0o600 });
  }
  const ofNode = [
    '--yes',
    '--network',
    'regtest',
    '--nats',
    cluster.url,
    '--http',
    '127.0.0.1:0',
    '--web',
    'off',
    ...ofBitcoind,
  ];
  await done('init', ...ofNode, '--data', one, '--node', 'one', '--replicas', '3');
  await startUp(t, one, '--data', one);

  await cluster.servers[2]?.kill();
  rmSync(join(cluster.folders[2] ?? '', 'store'), { recursive: true });
  await cluster.servers[2]?.restart();
  const password = join(folder, 'password');
  writeFileSync(password, 'a long passphrase\n', { mode: 0o600 });
  const key = ['--network', 'regtest', '--passphrase-file', password];
  await done('key', 'export', '--data', one, ...key, join(folder, 'tower.json'));
  mkdirSync(two, { mode: 0o700 });
  cpSync(join(one, 'nats'), join(two, 'nats'), { recursive: true });
  await done('key', 'import', '--data', two, ...key, join(folder, 'tower.json'));
  assert.match(await done('init', ...ofNode, '--data', two, '--node', 'two'), /replicas +3[\s\S]*CHAIN +before/);
  assert.match(await done('migrate', '--data', two, '--yes'), /3 copies of every stream, all current\n$/);
  await startUp(t, two, '--data', two);
  const { nodes } = JSON.parse(await done('cluster', '--json', '--data', one));
  assert.deepEqual(nodes.map(({ node, state }: { node: string; state: string }) => `${node} ${state}`).sort(), [
    'one ready',
    'two ready',
  ]);
});
