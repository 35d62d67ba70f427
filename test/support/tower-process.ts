import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TowerClient } from '../../actors/client/tower-client.js';
import { packageRoot } from '../../actors/package-root.js';
import { towerKey } from '../../actors/secrets.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { startTestBitcoind } from './bitcoind.js';
import { lazyCourier } from './lazy-courier.js';
import { startTestNats } from './nats.js';
import { type Cleanup, tempDir } from './temp-dir.js';
import { secretKey } from './tower.js';

/** Real servers, 110 blocks, a client, and a node that is to be a process of its own: `argus up`. */
export async function startTowerProcesses(t: Cleanup, { timeoutMs }: { readonly timeoutMs: number }) {
  const [nats, bitcoind] = await Promise.all([startTestNats(t), startTestBitcoind(t)]);
  const chain = new RegtestChain(bitcoind.rpc);
  await chain.mine(110);
  const data = join(tempDir(t), 'data');
  mkdirSync(join(data, 'nats'), { recursive: true });
  writeFileSync(join(data, 'nats', 'node.nkey'), nats.nodeSeed, { mode: 0o600 });
  const { towerId } = towerKey(join(data, 'tower.key'));
  const options = { towerId, secretKey: secretKey(), timeoutMs };
  const courier = lazyCourier(() => nats.connect('public'));
  const client = new TowerClient(courier, options);
  const args = [
    'up',
    '--network=regtest',
    `--data=${data}`,
    `--nats=${nats.url}`,
    '--log-level=silent',
    '--http=off',
    '--web=off',
  ];
  const ofBitcoind = [
    `--bitcoind=${bitcoind.rpcUrl}`,
    `--bitcoind-cookie=${bitcoind.cookieFile}`,
    `--zmq=${bitcoind.zmqUrl}`,
  ];
  return {
    nats,
    bitcoind,
    chain,
    client,
    /** The same user, who waits for another time. */
    waiting: (timeoutMs: number) => new TowerClient(courier, { ...options, timeoutMs }),
    /** Starts a node, with flags for `node` itself; it is killed after the test. */
    start: (...flags: string[]): ChildProcess => {
      const main = join(packageRoot, 'dist', 'cli', 'main.js');
      const child = spawn(process.execPath, [...flags, main, ...args, ...ofBitcoind], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child.stderr.resume(); // whoever wants to know what it says listens at once
      t.after(() => void child.kill('SIGKILL'));
      return child;
    },
    /** Whether the node answers, level with the first 110 blocks. */
    isUp: async () => (await client.info().catch(() => undefined))?.height === 110,
  };
}
