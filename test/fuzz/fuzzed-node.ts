import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { packageRoot } from '../../actors/package-root.js';
import { towerKey } from '../../actors/secrets.js';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';
import { freePorts } from '../../cli/servers/ports.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { txid } from '../fixtures/ids.js';
import { again } from '../support/again.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { lazyCourier } from '../support/lazy-courier.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';
import { verified } from '../support/verified.js';
import { SEED } from './settings.js';

/** A node as an operator runs it, `argus up`, that bad input is sent to; and an honest client of its. */
export interface FuzzedNode {
  readonly nats: TestNats;
  readonly bitcoind: Bitcoind;
  readonly chain: RegtestChain;
  readonly client: TowerClient;
  /** The key of another user that has registered, in whose name bad requests can be signed. */
  readonly secret: Uint8Array;
  /** Of its HTTP door. */
  readonly url: string;
  /** What it has logged so far. */
  readonly logged: () => string;
  /**
   * Sends `count` pieces of bad input, and sees to it that nothing came of them: the process lives, its memory and an honest
   * client's round trip are as they were after the first tenth, it logged little, and its log holds nothing but valid commits.
   */
  endures(send: (count: number) => Promise<void>, count: number): Promise<void>;
}

interface Needed {
  readonly used: number;
  readonly rss: number;
  /** Of all its threads since it began, in µs. */
  readonly cpu: number;
}

/** What a node may need more after a hundred thousand requests than after ten thousand, in bytes; and what it may log. */
const MOST_GROWTH = 24 * 1024 * 1024;
const MOST_LOGGED = 64 * 1024;
const MOST_LOGGED_A_SECOND = 8 * 1024;

/** `env`: further settings of the node. `rpcUrl`, `zmqUrl`: what it takes for its bitcoind's. */
export async function startFuzzedNode(
  t: TestContext,
  { env = {}, rpcUrl, zmqUrl }: FuzzedNodeOptions = {},
): Promise<FuzzedNode> {
  const [nats, bitcoind, [port]] = await Promise.all([startTestNats(t), startTestBitcoind(t), freePorts(1)]);
  const chain = new RegtestChain(bitcoind.rpc);
  await chain.mine(110);
  const data = join(tempDir(t), 'data');
  mkdirSync(join(data, 'nats'), { recursive: true });
  writeFileSync(join(data, 'nats', 'node.nkey'), nats.nodeSeed, { mode: 0o600 });
  const { towerId } = towerKey(join(data, 'tower.key'));
  const url = `http://127.0.0.1:${port}`;
  const probe = pathToFileURL(join(packageRoot, 'dist', 'test', 'fuzz', 'memory-probe.js')).href;
  const main = join(packageRoot, 'dist', 'cli', 'main.js');
  const args = [
    ...['--expose-gc', '--import', probe, main, 'up', '--network=regtest', `--data=${data}`],
    ...[
      `--nats=${nats.url}`,
      `--http=127.0.0.1:${port}`,
      `--bitcoind=${(await rpcUrl?.(bitcoind)) ?? bitcoind.rpcUrl}`,
    ],
    ...[`--bitcoind-cookie=${bitcoind.cookieFile}`, `--zmq=${(await zmqUrl?.(bitcoind)) ?? bitcoind.zmqUrl}`],
  ];
  const node = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, ...UNLIMITED, ...env },
  });
  t.after(() => void node.kill('SIGKILL'));
  let logged = '';
  node.stderr?.on('data', (text) => {
    logged += text;
  });
  const courier = lazyCourier(() => nats.connect('public'));
  const client = new TowerClient(courier, {
    towerId,
    secretKey: secretKey(),
    timeoutMs: 20_000,
  });
  await until('the node is up', async () => (await client.info().catch(() => undefined))?.height === 110);
  await client.register();
  const secret = secretKey();
  await new TowerClient(courier, { towerId, secretKey: secret }).register();
  await client.addAppointment(makeAppointment('rust', txid('kept'), new Uint8Array(100), 144));
  const endures: FuzzedNode['endures'] = async (send, count) => {
    await send(Math.ceil(count / 10));
    const before = { ...(await neededBy(node)), ms: await roundTrip(client), logged: logged.length };
    const [began, ours] = [performance.now(), process.cpuUsage()];
    await send(count - Math.ceil(count / 10));
    const { user, system } = process.cpuUsage(ours);
    const perSecond = Math.round(count / ((performance.now() - began) / 900));
    assert.equal(node.exitCode ?? node.signalCode, null, `the node has ended: ${logged.slice(-2_000)}`);
    const ms = await roundTrip(client);
    const { used, rss, cpu } = await neededBy(node);
    const mb = (bytes: number) => Math.round(bytes / 2 ** 20);
    const each = (micros: number) => Math.round(micros / (count * 0.9));
    t.diagnostic(
      `seed ${SEED}: ${count} at ${perSecond}/s; round trip ${before.ms.toFixed(1)} -> ${ms.toFixed(1)} ms; in use ` +
        `${mb(before.used)} -> ${mb(used)} MB, resident ${mb(before.rss)} -> ${mb(rss)} MB; logged ${logged.length} bytes; ` +
        `each took the node ${each(cpu - before.cpu)} and us ${each(user + system)} µs`,
    );
    assert.ok(used - before.used < MOST_GROWTH, `${mb(before.used)} -> ${mb(used)} MB in use`);
    assert.ok(ms < 5 * before.ms + 50, `a round trip took ${before.ms}, and now ${ms} ms`);
    const most = MOST_LOGGED + (MOST_LOGGED_A_SECOND * (performance.now() - began)) / 1000;
    assert.ok(logged.length - before.logged < most, `${logged.length} bytes of log, such as ${logged.slice(-1_000)}`);
    assert.deepEqual((await client.getSubscriptionInfo()).locators.length, 1);
    const { findings } = await verified(nats, towerId);
    assert.deepEqual(findings, []);
  };
  return { nats, bitcoind, chain, client, secret, url, logged: () => logged, endures };
}

/** What it takes at all is what is tried here; the limits of a source and of a user have tests of their own. */
const UNLIMITED = {
  ARGUS_LIMITS_REGISTRATIONS_PER_MINUTE: '0',
  ARGUS_LIMITS_SOURCE_REQUESTS_PER_SECOND: '0',
  ARGUS_LIMITS_USER_REQUESTS_PER_SECOND: '0',
};

interface FuzzedNodeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly rpcUrl?: (bitcoind: Bitcoind) => Promise<string>;
  readonly zmqUrl?: (bitcoind: Bitcoind) => Promise<string>;
}

async function neededBy(node: ChildProcess): Promise<Needed> {
  node.send('memory');
  const [needed] = await once(node, 'message');
  return needed as Needed;
}

/** The median of some, in ms. */
async function roundTrip(client: TowerClient): Promise<number> {
  const all: number[] = [];
  for (let n = 0; n < 21; n++) {
    const began = performance.now();
    await again(() => client.getSubscriptionInfo());
    all.push(performance.now() - began);
  }
  return all.sort((a, b) => a - b)[10] ?? Number.NaN;
}
