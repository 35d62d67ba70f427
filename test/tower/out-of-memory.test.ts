import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { packageRoot } from '../../actors/package-root.js';
import { towerKey } from '../../actors/secrets.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { toHex } from '../../events/bytes.js';
import { Locator } from '../../events/ids.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { startTestNats } from '../support/nats.js';
import { tempDir } from '../support/temp-dir.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';

/** On SIGUSR2 it eats all memory there is, half a megabyte at a time, while the node goes on with its work. */
const GLUTTON = `const eaten = [];
process.on('SIGUSR2', () => setInterval(() => { for (let i = 0; i < 10_000; i++) eaten.push({ i }); }, 5));`;
const BLOB_BYTES = 10_000;

test('a node that runs out of memory in the middle of requests has lost nothing that it gave a receipt for', async (t) => {
  const [nats, bitcoind] = await Promise.all([startTestNats(t), startTestBitcoind(t)]);
  const chain = new RegtestChain(bitcoind.rpc);
  await chain.mine(110);
  const data = join(tempDir(t), 'data');
  mkdirSync(join(data, 'nats'), { recursive: true });
  writeFileSync(join(data, 'nats', 'node.nkey'), nats.nodeSeed, { mode: 0o600 });
  const { towerId } = towerKey(join(data, 'tower.key'));
  const start = (...flags: string[]) => {
    const args = [join(packageRoot, 'dist', 'cli', 'main.js'), 'up', '--network=regtest', `--data=${data}`];
    const servers = [`--nats=${nats.url}`, `--bitcoind=${bitcoind.rpcUrl}`, `--bitcoind-cookie=${bitcoind.cookieFile}`];
    const child = spawn(process.execPath, [...flags, ...args, ...servers, '--http=off'], { stdio: 'ignore' });
    t.after(() => void child.kill('SIGKILL'));
    return child;
  };
  const options = { towerId, secretKey: secretKey(), timeoutMs: 3_000 };
  const client = new TowerClient(overNats(await nats.connect('public')), options);
  const isUp = async () => (await client.info().catch(() => undefined))?.height === 110;

  const starved = start('--max-old-space-size=64', '--import', `data:text/javascript,${encodeURIComponent(GLUTTON)}`);
  await until('up', isUp);
  await client.register();
  const receipts: { locator: Locator; blob: string }[] = [];
  const add = async () => {
    const locator = Locator.parse(toHex(randomBytes(16)));
    const encryptedBlob = new Uint8Array(randomBytes(BLOB_BYTES));
    await client.addAppointment({ locator, encryptedBlob, toSelfDelay: 42 });
    receipts.push({ locator, blob: toHex(encryptedBlob) });
  };
  await add();
  starved.kill('SIGUSR2');
  const isDead = () => starved.exitCode !== null || starved.signalCode !== null;
  await until('out of memory', async () => {
    await Promise.all(Array.from({ length: 20 }, () => add().catch(() => undefined)));
    return isDead();
  });
  assert.notEqual(starved.exitCode, 0);

  start();
  await until('up again', isUp);
  for (const { locator, blob } of receipts) {
    const { appointment } = await client.getAppointment(locator);
    assert.ok('encrypted_blob' in appointment && appointment.encrypted_blob === blob);
  }
  const { locators } = await client.getSubscriptionInfo();
  assert.ok(receipts.every(({ locator }) => locators.includes(locator)));
});
