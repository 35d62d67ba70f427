import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { packageRoot } from '../../actors/package-root.js';
import { towerKey } from '../../actors/secrets.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { fromHex } from '../../events/bytes.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { startTestNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { historyTypes, isInMempool, secretKey } from '../support/tower.js';
import { until } from '../support/until.js';

test('a tower that is killed again and again goes on from its log', async (t) => {
  const [nats, bitcoind] = await Promise.all([startTestNats(t), startTestBitcoind(t)]);
  const chain = new RegtestChain(bitcoind.rpc);
  await chain.mine(110);
  const data = join(tempDir(t), 'data');
  mkdirSync(join(data, 'nats'), { recursive: true });
  writeFileSync(join(data, 'nats', 'node.nkey'), nats.nodeSeed, { mode: 0o600 });
  const { towerId } = towerKey(join(data, 'tower.key'));
  const args = ['up', '--network=regtest', `--data=${data}`, `--nats=${nats.url}`, '--log-level=silent', '--http=off'];
  const ofBitcoind = [
    `--bitcoind=${bitcoind.rpcUrl}`,
    `--bitcoind-cookie=${bitcoind.cookieFile}`,
    `--zmq=${bitcoind.zmqUrl}`,
  ];
  const start = () => {
    const main = join(packageRoot, 'dist', 'cli', 'main.js');
    const child = spawn(process.execPath, [main, ...args, ...ofBitcoind], { stdio: 'ignore' });
    t.after(() => void child.kill('SIGKILL'));
    return child;
  };
  const killed = async (child: ReturnType<typeof start>) => {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  };
  const client = new TowerClient(overNats(await nats.connect('public')), {
    towerId,
    secretKey: secretKey(),
    timeoutMs: 20_000,
  });
  const types = () => historyTypes({ nats }, client.userId, locator);

  const first = start();
  await until('up', async () => (await client.info().catch(() => undefined))?.height === 110);
  await client.register();
  const [channel] = await openChannels(chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  await killed(first);

  await chain.mineOnly([breach.disputeTx]); // while nobody watches
  const second = start();
  await until('answered', () => isInMempool({ bitcoind }, breach.penaltyTxid));
  await killed(second); // between broadcast and, perhaps, its record

  await chain.mine(1); // the penalty is mined while nobody watches
  const third = start();
  await until('confirmed', async () => (await types()).includes('PenaltyConfirmed'));
  await killed(third);

  await chain.mine(99);
  start();
  await until('irrevocable', async () => (await types()).includes('PenaltyIrrevocable'));
  assert.deepEqual(await types(), [
    'BreachDetected by watcher',
    'PenaltyBroadcast',
    'PenaltyConfirmed',
    'PenaltyIrrevocable',
  ]);
  await until('over', async () => (await client.getSubscriptionInfo()).locators.length === 0);
});
