import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'nats';
import { asClient, overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { towerKey } from '../../actors/secrets.js';
import { startChild } from '../../cli/servers/child.js';
import { freePorts } from '../../cli/servers/ports.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { argus } from '../support/argus.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { type Certificate, makeAuthority, noCertificates } from '../support/certificates.js';
import { newNkey, RawNats } from '../support/raw-nats.js';
import { tempDir } from '../support/temp-dir.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';
import { openWebSocket } from '../support/websocket.js';

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.js');
const skip = noCertificates || (existsSync('/proc/self/cmdline') ? false : 'there is no /proc to look at processes in');

test("a node's own nats-server takes clients over TLS and websockets, as the settings say, and nothing else", {
  skip,
}, async (t) => {
  const folder = tempDir(t);
  const data = join(folder, 'data');
  mkdirSync(data);
  const certFile = join(folder, 'cert.pem');
  const keyFile = join(folder, 'key.pem');
  const install = ({ cert, key }: Certificate) => {
    copyFileSync(cert, certFile);
    copyFileSync(key, keyFile);
  };
  const first = makeAuthority(tempDir(t))('first');
  install(first);
  const bitcoind = await startTestBitcoind(t);
  await new RegtestChain(bitcoind.rpc).mine(5);
  const [port = 0, websocket = 0] = await freePorts(2);
  const nats = [
    `port = ${port}`,
    `cert_file = "${certFile}"`,
    `key_file = "${keyFile}"`,
    `websocket = "127.0.0.1:${websocket}"`,
  ];
  writeFileSync(join(data, 'argus.toml'), `[nats]\n${nats.join('\n')}\n`);
  const where = ['--network', 'regtest', '--data', data];
  const node = ['--bitcoind', bitcoind.rpcUrl, '--bitcoind-cookie', bitcoind.cookieFile, '--zmq', bitcoind.zmqUrl];
  const up = await startChild({
    program: process.execPath,
    args: [MAIN, 'up', ...where, '--http', 'off', ...node],
    logFile: join(folder, 'up.log'),
    env: { ARGUS_BITCOIND_PASSWORD: undefined, ARGUS_PASSPHRASE: 'correct horse' },
  });
  t.after(() => up.stop());
  await until('it is up', () => readFileSync(join(folder, 'up.log'), 'utf8').includes(' is up.'));
  const greeting = readFileSync(join(folder, 'up.log'), 'utf8');
  assert.ok(
    greeting.includes(`tls://127.0.0.1:${port} `) && greeting.includes(`wss://127.0.0.1:${websocket} `),
    greeting,
  );
  const { towerId } = towerKey(join(data, 'tower.key'));
  const client = async (authority: Certificate) => {
    const way = { servers: `tls://localhost:${port}`, tls: { caFile: authority.ca }, ...asClient() };
    const nc = await connect(way);
    t.after(() => nc.close());
    return new TowerClient(overNats(nc), { towerId, secretKey: secretKey(), timeoutMs: 5_000 });
  };

  await t.test('over TLS', async () => {
    const known = await client(first);
    await until('the tower has its first block, and takes users', () => known.register().catch(() => undefined));
    await assert.rejects(client(makeAuthority(tempDir(t))('other')), /certificate/);
    const { stdout, status } = await argus(['info', '--json', ...where]);
    assert.equal(status, 0, 'the commands of the node’s folder know the server');
    assert.equal(JSON.parse(stdout).tower_id, towerId);
  });

  await t.test('over websockets', async () => {
    const { seed, nkey } = newNkey();
    const raw = new RawNats(await openWebSocket(t, `wss://localhost:${websocket}`, first.ca));
    assert.deepEqual(await raw.signIn({ seed }), []);
    assert.deepEqual(await raw.subscribe(`_INBOX_${nkey}.>`), []);
    await raw.publish('argus.v1.info', '{}', `_INBOX_${nkey}.1`);
    await until('its answer', () => raw.messages.length > 0);
    assert.equal(JSON.parse(raw.messages[0]?.text.split('\r\n\r\n').at(-1) ?? '').tower_id, towerId);
  });

  await t.test('on no other port, with no secret in its sight', () => {
    const pid = natsServerBelow(data) ?? assert.fail('no nats-server');
    assert.deepEqual(listening(pid), [port, websocket].sort());
    const seeds = ['node', 'operator', 'auditor'].map((name) =>
      readFileSync(join(data, 'nats', `${name}.nkey`), 'utf8'),
    );
    const secrets = [...seeds, readFileSync(join(data, 'tower.key'), 'utf8'), 'correct horse'].map((text) =>
      text.trim(),
    );
    for (const file of [
      `/proc/${pid}/cmdline`,
      `/proc/${pid}/environ`,
      `/proc/${up.pid}/cmdline`,
      ...filesBelow(join(data, 'nats', 'store')),
    ])
      for (const secret of secrets) assert.ok(!readFileSync(file).includes(secret), `${file} has a secret`);
    const files = ['tower.key', 'nats/node.nkey', 'nats/operator.nkey', 'nats/auditor.nkey'];
    for (const file of files) assert.equal(statSync(join(data, file)).mode & 0o777, 0o600, file);
  });

  await t.test('with the certificate that is there when it starts again, which its node knows too', async () => {
    const second = makeAuthority(tempDir(t))('second');
    install(second);
    process.kill(natsServerBelow(data) ?? assert.fail(), 'SIGKILL');
    const renewed = await until('it is there again', () => client(second).catch(() => undefined));
    await until('its node is, too', () => renewed.info().catch(() => undefined));
    await renewed.register();
  });
});

const pids = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

function natsServerBelow(data: string): number | undefined {
  const found = pids().find((pid) => {
    const words = commandLine(pid);
    // Not the shell that holds it on its leash.
    return words.includes(join(data, 'nats', 'nats-server.conf')) && words[1] !== '-c';
  });
  return found === undefined ? undefined : Number(found);
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has just ended
  }
}

/** The ports on which a process takes connections, whatever address they are of. */
function listening(pid: number): number[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1]),
  );
  const LISTEN = '0A';
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1),
  );
  const ports = rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/);
    return state === LISTEN && sockets.has(inode) ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : [];
  });
  return ports.sort();
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
