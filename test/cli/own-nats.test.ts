import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
import { tempDir } from '../support/temp-dir.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.js');

test("a node's own nats-server that dies is started again", { skip: !existsSync('/proc/self/cmdline') }, async (t) => {
  const folder = tempDir(t);
  const data = join(folder, 'data');
  const bitcoind = await startTestBitcoind(t);
  await new RegtestChain(bitcoind.rpc).mine(5);
  const [port = 0] = await freePorts(1);
  const node = ['--bitcoind', bitcoind.rpcUrl, '--bitcoind-cookie', bitcoind.cookieFile, '--zmq', bitcoind.zmqUrl];
  const up = await startChild({
    program: process.execPath,
    args: [MAIN, 'up', '--network', 'regtest', '--data', data, '--nats-port', String(port), '--http', 'off', ...node],
    logFile: join(folder, 'up.log'),
  });
  t.after(() => up.stop());
  const pid = await until('its nats-server runs', () => natsServerOn(port));
  const nc = await until('it takes connections', () =>
    connect({ servers: `127.0.0.1:${port}`, maxReconnectAttempts: -1, reconnectTimeWait: 50, ...asClient() }).catch(
      () => undefined,
    ),
  );
  t.after(() => nc.close());
  const { towerId } = towerKey(join(data, 'tower.key'));
  const client = new TowerClient(overNats(nc), { towerId, secretKey: secretKey(), timeoutMs: 1_000 });
  const answers = () =>
    until('the tower answers', async () => (await client.info().catch(() => undefined))?.height === 5);
  await answers();
  const { available_slots: slots } = await client.register();
  process.kill(pid, 'SIGKILL');
  await until('another one runs', () => {
    const now = natsServerOn(port);
    return now !== undefined && now !== pid;
  });
  await answers();
  assert.equal((await client.getSubscriptionInfo()).available_slots, slots);
  assert.deepEqual(await up.stop(), { code: 0, signal: null });
  assert.equal(natsServerOn(port), undefined);
});

test('a node starts a second nats-server for its clients, behind the first, and again when it dies', {
  skip: !existsSync('/proc/self/cmdline'),
}, async (t) => {
  const folder = tempDir(t);
  const data = join(folder, 'data');
  const bitcoind = await startTestBitcoind(t);
  await new RegtestChain(bitcoind.rpc).mine(5);
  const [port = 0, clientsPort = 0] = await freePorts(2);
  const where = ['--network', 'regtest', '--data', data, '--nats-port', String(port)];
  const node = ['--bitcoind', bitcoind.rpcUrl, '--bitcoind-cookie', bitcoind.cookieFile, '--zmq', bitcoind.zmqUrl];
  const env = { ARGUS_NATS_CLIENTS_LISTEN: `127.0.0.1:${clientsPort}` };
  const up = await startChild({
    program: process.execPath,
    args: [MAIN, 'up', ...where, '--http', 'off', '--web', 'off', ...node],
    logFile: join(folder, 'up.log'),
    env,
  });
  t.after(() => up.stop());
  const told = () => readFileSync(join(folder, 'up.log'), 'utf8');
  await until('it is up', () => told().includes(' is up.'));
  assert.match(told(), new RegExp(`clients {3}nats://127\\.0\\.0\\.1:${clientsPort} `));
  const [log, clients] = [natsServerOn(port), natsServerOn(clientsPort)];
  assert.ok(log !== undefined && clients !== undefined);
  assert.ok(niceOf(clients) > niceOf(log));

  const signIn = (port: number) =>
    connect({ servers: `127.0.0.1:${port}`, maxReconnectAttempts: -1, reconnectTimeWait: 50, ...asClient() });
  await assert.rejects(signIn(port), 'the server with the log lets no client in');
  const nc = await signIn(clientsPort);
  t.after(() => nc.close());
  const { towerId } = towerKey(join(data, 'tower.key'));
  const client = new TowerClient(overNats(nc), { towerId, secretKey: secretKey(), timeoutMs: 1_000 });
  const { available_slots: slots } = await client.register();
  process.kill(clients, 'SIGKILL');
  await until('it answers again', async () => {
    const answer = await client.getSubscriptionInfo().catch(() => undefined);
    return answer?.available_slots === slots;
  });
  assert.notEqual(natsServerOn(clientsPort), clients);
  assert.equal(natsServerOn(port), log);

  const doctor = await argus(['doctor', ...where, ...node], { env });
  assert.match(
    doctor.stdout,
    new RegExp(`nats-server at nats://127\\.0\\.0\\.1:${clientsPort}, for clients alone, knows`),
  );
  assert.deepEqual(await up.stop(), { code: 0, signal: null });
  assert.deepEqual([natsServerOn(port), natsServerOn(clientsPort)], [undefined, undefined]);
});

/** proc(5), /proc/<pid>/stat: field 19; the name, field 2, is in brackets and may hold anything. */
function niceOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
}

/** The pid of the nats-server that was started on a port; not that of the shell that holds it on its leash. */
function natsServerOn(port: number): number | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = commandLine(pid);
    if (
      words.includes(String(port)) &&
      words.some((word) => /\/nats(-clients)?\.conf$/.test(word)) &&
      words[1] !== '-c'
    )
      return Number(pid);
  }
  return undefined;
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has just ended
  }
}
