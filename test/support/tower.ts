import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { TowerClient } from '../../actors/client/tower-client.js';
import { type Config, readConfig } from '../../actors/config.js';
import { TowerNode } from '../../actors/node.js';
import { type TowerKey, towerKey } from '../../actors/secrets.js';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import type { Dialect } from '../../events/signing/receipts.js';
import { startTestBitcoind } from './bitcoind.js';
import { startTestNats, type TestNats } from './nats.js';
import { type Cleanup, tempDir } from './temp-dir.js';

/** A whole tower on real servers, as a test's own. */
export interface TestTower {
  readonly nats: TestNats;
  readonly bitcoind: Bitcoind;
  readonly chain: RegtestChain;
  readonly key: TowerKey;
  readonly config: Config;
  /** The node that runs now. */
  readonly node: TowerNode;
  /** What a node gave up with, if one did. */
  readonly gaveUp: readonly Error[];
  /** Starts one more node, with the same key, on the same log. */
  startNode(name: string): Promise<TowerNode>;
  /** Stops the node and starts another on the same log. */
  restartNode(): Promise<void>;
  stopNode(): Promise<void>;
  newClient(dialect?: Dialect): Promise<TowerClient>;
}

export interface TestTowerOptions {
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts nats-server, bitcoind with 110 blocks, and one node that is level with them. */
export async function startTestTower(t: Cleanup, { settings = {} }: TestTowerOptions = {}): Promise<TestTower> {
  const [nats, bitcoind] = await Promise.all([startTestNats(t), startTestBitcoind(t)]);
  const chain = new RegtestChain(bitcoind.rpc);
  await chain.mine(110);
  const data = tempDir(t);
  const key = towerKey(`${data}/tower.key`);
  const configFor = (node: string) =>
    readConfig({
      env: {},
      flags: {
        network: 'regtest',
        data,
        node,
        'bitcoind.url': bitcoind.rpcUrl,
        'bitcoind.cookie_file': bitcoind.cookieFile,
        'bitcoind.zmq_hashblock': bitcoind.zmqUrl,
        ...settings,
      },
    });
  const gaveUp: Error[] = [];
  const logger = pino({ level: process.env.ARGUS_TEST_LOG ?? 'silent' });
  const running: TowerNode[] = [];
  t.after(async () => {
    for (const node of running) await node.stop();
  });
  const startNode = async (name: string) => {
    const options = { config: configFor(name), key, natsSeed: nats.nodeSeed, natsUrl: nats.url, logger };
    const node = await TowerNode.start({ ...options, giveUp: (error) => gaveUp.push(error) });
    running.push(node);
    return node;
  };
  let node = await startNode('one');
  const stopNode = async () => {
    running.splice(running.indexOf(node), 1);
    await node.stop();
  };
  await untilLevel(() => node, chain);
  return {
    nats,
    bitcoind,
    chain,
    key,
    config: configFor('one'),
    get node() {
      return node;
    },
    gaveUp,
    startNode,
    stopNode,
    restartNode: async () => {
      if (running.includes(node)) await stopNode();
      node = await startNode('one');
    },
    newClient: async (dialect = 'rust') =>
      new TowerClient(await nats.connect('public'), { towerId: key.towerId, secretKey: secretKey(), dialect }),
  };
}

export const secretKey = (): Uint8Array => new Uint8Array(randomBytes(32));

/** Resolves when the node's chain has bitcoind's tip, scanned by every shard. */
export async function untilLevel(node: () => TowerNode, chain: RegtestChain): Promise<void> {
  const tip = await chain.tip();
  await until(`the tower is at ${tip}`, () => {
    const { chain, shards } = node();
    const known = chain.state.tip;
    return known?.hash === tip && shards.length > 0 && shards.every(({ scans }) => scans.isScanned(known));
  });
}

/** Resolves with what `look` finds, as soon as it is truthy; rejects after 20 s with what was waited for. */
export async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(20)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`waited 20 s in vain: ${what}`);
}
