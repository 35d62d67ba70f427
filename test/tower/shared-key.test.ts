import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { type Child, startChild } from '../../cli/servers/child.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { fromHex } from '../../events/bytes.js';
import { argus, MAIN } from '../support/argus.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { startTestNats } from '../support/nats.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';

const PASSPHRASE = 'a passphrase that is nowhere';

/** A tower's servers, and folders for nodes of it, each to be started as a process: `argus up`. */
async function startServers(t: Cleanup) {
  const [nats, bitcoind] = await Promise.all([startTestNats(t), startTestBitcoind(t)]);
  await new RegtestChain(bitcoind.rpc).mine(110);
  const folder = tempDir(t);
  const newNode = (name: string) => {
    const [data, log] = [join(folder, name), join(folder, `${name}.log`)];
    mkdirSync(join(data, 'nats'), { recursive: true });
    writeFileSync(join(data, 'nats', 'node.nkey'), nats.nodeSeed, { mode: 0o600 });
    const where = ['up', '--network=regtest', `--data=${data}`, `--node=${name}`, `--nats=${nats.url}`, '--http=off'];
    const ofBitcoind = [`--bitcoind=${bitcoind.rpcUrl}`, `--bitcoind-cookie=${bitcoind.cookieFile}`];
    const args = [MAIN, ...where, ...ofBitcoind, `--zmq=${bitcoind.zmqUrl}`, '--log-level=trace'];
    const start = async (): Promise<Child> => {
      // What it has no business to write anywhere is there to be written.
      const env = { ARGUS_PASSPHRASE: PASSPHRASE };
      const child = await startChild({ program: process.execPath, args, logFile: log, env });
      t.after(() => child.stop());
      return child;
    };
    const startUp = async () => {
      const child = await start();
      let ended = false;
      void child.exited.then(() => {
        ended = true;
      });
      await until(`${name} is up`, () => ended || child.tail(40).includes(' is up.'));
      assert.ok(!ended, child.tail());
      return child;
    };
    const key = (...args: string[]) =>
      argus(['key', ...args, `--data=${data}`], { env: { ARGUS_PASSPHRASE: PASSPHRASE } });
    return { data, log, start, startUp, key };
  };
  return { nats, folder, newNode };
}

test('a node that is brought the key of another is a node of the same tower; no log and no stream has the key', async (t) => {
  const { nats, folder, newNode } = await startServers(t);
  const [one, two] = [newNode('one'), newNode('two')];
  const first = await one.startUp();
  const { tower_id: towerId } = JSON.parse((await one.key('show', '--json')).stdout);
  const nc = await nats.connect('public');
  /** Registers a user, which verifies the receipt as one of this tower. */
  const register = async () => {
    const client = new TowerClient(overNats(nc), { towerId, secretKey: secretKey(), timeoutMs: 20_000 });
    await client.register();
    return client.userId;
  };
  const users = [await register()];

  const stranger = await two.start();
  assert.deepEqual(await stranger.exited, { code: 1, signal: null });
  const { tower_id: strangerId } = JSON.parse((await two.key('show', '--json')).stdout);
  const difference = `argus.tower is ${towerId}, not ${strangerId}: this node has another tower's key; argus key import`;
  assert.ok(stranger.tail().includes(difference), stranger.tail());

  const backup = join(folder, 'backup.json');
  assert.equal((await one.key('export', backup)).status, 0);
  assert.equal((await two.key('import', backup)).status, 1, 'the key that the start has made is one too');
  assert.equal((await two.key('import', backup, '--force')).status, 0);
  await two.startUp();
  users.push(await register());
  assert.deepEqual(await first.stop(), { code: 0, signal: null });
  const client = new TowerClient(overNats(nc), { towerId, secretKey: secretKey(), timeoutMs: 1_000 });
  await until('the other one answers', () => client.info().catch(() => undefined));
  users.push(await register());

  const secret = readFileSync(join(one.data, 'tower.key'), 'utf8').trim();
  assert.equal(readFileSync(join(two.data, 'tower.key'), 'utf8').trim(), secret);
  const written = [...filesBelow(nats.dataDir), one.log, two.log].map((file) => readFileSync(file));
  const has = (what: string | Buffer) => written.some((bytes) => bytes.includes(what));
  for (const known of [towerId, ...users]) assert.ok(has(known), `${known} would have been found`);
  const raw = Buffer.from(fromHex(secret));
  const shapes = [secret, secret.toUpperCase(), raw, raw.toString('base64url'), raw.toString('base64').slice(0, 40)];
  for (const shape of [...shapes, PASSPHRASE]) assert.ok(!has(shape), `it was written: ${shape}`);
});

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
