import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { packageRoot } from '../../actors/package-root.js';
import { freePorts } from '../../cli/servers/ports.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';

const MAIN = join(packageRoot, 'dist', 'cli', 'main.js');
const bare = { ...process.env, ARGUS_DATA: undefined, ARGUS_NETWORK: undefined };

/** Runs a command to its end. */
function argus(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { env: bare, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** Starts `argus up` with a nats-server of its own; resolves when it is up. */
async function startUp(t: Cleanup, args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [MAIN, 'up', '--http', '127.0.0.1:0', ...args], { env: bare });
  t.after(() => void child.kill('SIGKILL'));
  let [out, err] = ['', ''];
  child.stdout?.on('data', (text) => {
    out += text;
  });
  child.stderr?.on('data', (text) => {
    err += text;
  });
  const exited = new Promise<number | null>((resolve) => void child.on('exit', resolve));
  await until(`argus up\n${err}`, () => out.includes(' is up.') || child.exitCode !== null);
  return { child, exited, out: () => out, err: () => err };
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('close', () => resolve(false)).on('connect', () => socket.destroy());
  });

describe('argus up with a nats-server of its own', () => {
  test('answers the operator, ends on SIGTERM, survives SIGKILL', async (t) => {
    const bitcoind = await startTestBitcoind(t);
    const data = join(tempDir(t), 'data');
    const [port = 0] = await freePorts(1);
    const where = ['--network', 'regtest', '--data', data, '--nats-port', String(port)];
    const node = ['--bitcoind', bitcoind.rpcUrl, '--bitcoind-cookie', bitcoind.cookieFile, '--zmq', bitcoind.zmqUrl];

    const first = await startUp(t, [...where, ...node]);
    assert.match(first.out(), /^Tower 0[23][0-9a-f]{64} on regtest is up\.\n {2}clients {3}nats:\/\/127\.0\.0\.1:\d+/);
    const info = JSON.parse(argus('info', '--json', ...where).stdout);
    assert.deepEqual([info.network, info.users, info.bitcoind_reachable], ['regtest', 0, true]);
    assert.match(argus('info', ...where).stdout, /^tower id +0[23][0-9a-f]{64}\nnetwork +regtest\n/);
    assert.equal(argus('users', ...where).stdout, '');
    assert.match(argus('appointments', ...where).stdout, /^APPOINTMENT +LOCATOR +USER +STATUS/);
    assert.match(argus('trackers', ...where).stdout, /^APPOINTMENT +STAGE +DISPUTE/);
    const nobody = argus('user', `02${'11'.repeat(32)}`, ...where);
    assert.deepEqual([nobody.status, nobody.stderr], [1, 'argus: User not found\n']);

    first.child.kill('SIGTERM');
    assert.equal(await first.exited, 0);
    assert.equal(await listens(port), false, 'the nats-server ended with it');
    const away = argus('info', ...where);
    assert.equal(away.status, 1);
    assert.match(away.stderr, /^argus: nats:\/\/127\.0\.0\.1:\d+ does not answer\. Is the tower up\?\n$/);

    const second = await startUp(t, [...where, ...node]);
    second.child.kill('SIGKILL');
    await second.exited;
    const third = await startUp(t, [...where, ...node]);
    assert.equal(JSON.parse(argus('info', '--json', ...where).stdout).tower_id, info.tower_id);
    third.child.kill('SIGKILL');
    await until('no nats-server is left', async () => !(await listens(port)));
  });

  test('ends with a reason when bitcoind is on another network', async (t) => {
    const bitcoind = await startTestBitcoind(t);
    const [port] = await freePorts(1);
    const args = ['--network', 'signet', '--data', join(tempDir(t), 'data'), '--nats-port', String(port)];
    const up = await startUp(t, [...args, '--bitcoind', bitcoind.rpcUrl, '--bitcoind-cookie', bitcoind.cookieFile]);
    assert.equal(await up.exited, 1);
    assert.match(up.err(), /argus: bitcoind is on regtest, but this tower is for signet\n$/);
  });
});

describe('argus says in one line what is wrong', () => {
  test('with a value, a setting, a command, an argument', (t) => {
    const folder = tempDir(t);
    const file = join(folder, 'argus.toml');
    writeFileSync(file, 'network = "regtest"\n[limits]\nmax_apointments = 5\n');
    for (const [args, status, said] of [
      [['up', '--network', 'mars'], 2, /^argus: flag: network: .*"mainnet"/],
      [['up', '--config', file], 2, /^argus: .*argus\.toml: there is no setting limits\.max_apointments\n$/],
      [['up', '--config', join(folder, 'none')], 2, /^argus: .*none: cannot be read/],
      [['inof'], 2, /unknown command 'inof'\n\(Did you mean info\?\)/],
      [['user', 'xyz'], 2, /^argus: a user id is 66 lower-case hex digits/],
      [
        ['info', '--data', join(folder, 'new')],
        1,
        /^argus: there is no .*operator\.nkey: copy it from the tower's node/,
      ],
    ] as const) {
      const result = argus(...args);
      assert.deepEqual([result.status, result.stdout], [status, ''], args.join(' '));
      assert.match(result.stderr, said);
    }
  });

  test('with a key that others can read', (t) => {
    const data = join(tempDir(t), 'data');
    mkdirSync(data);
    writeFileSync(join(data, 'tower.key'), `${'11'.repeat(32)}\n`);
    chmodSync(join(data, 'tower.key'), 0o644);
    const { status, stderr } = argus('up', '--network', 'regtest', '--data', data);
    assert.equal(status, 1);
    assert.match(stderr, /tower\.key can be read by others \(mode 644\): chmod 600 '.*tower\.key'\n$/);
  });

  test('and helps when asked', () => {
    assert.match(argus('--help').stdout, /Usage: argus .*\n[\s\S]*up .*run a node/);
    assert.match(argus('up', '--help').stdout, /--bitcoind <url>[\s\S]*Example:\n {2}argus up/);
    assert.match(argus('--version').stdout, /^\d+\.\d+\.\d+\n$/);
  });
});
