import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { startRpcProxy } from '../support/rpc-proxy.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { isInMempool, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** Every way in which a bitcoind that runs can fail to be of use to a node, and what becomes of a breach meanwhile. */
describe("a node's bitcoind", () => {
  test('is away for an hour: the blocks of that hour are read when it is back, and their breaches answered', async (t) => {
    const { tower, proxy, node, breach, protect } = await towerBehindProxy(t);
    await protect();
    proxy.set('cut');
    await tower.chain.mineOnly();
    await tower.chain.mineOnly([breach.disputeTx]);
    for (let i = 0; i < 40; i++) await tower.chain.mineOnly();
    await untilSaid(tower, 'bitcoind does not answer; waiting for it');
    proxy.set('pass');
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await untilLevel(() => node, tower.chain);
  });

  test('is back on another fork: what the tower saw is taken back, and the breach of the new one answered', async (t) => {
    const { tower, proxy, node, breach, protect } = await towerBehindProxy(t);
    await protect();
    const [lost] = await tower.chain.mine(5);
    await untilLevel(() => node, tower.chain);
    proxy.set('cut');
    assert(lost);
    await tower.chain.invalidate(lost);
    await tower.chain.mineOnly([breach.disputeTx]);
    for (let i = 0; i < 6; i++) await tower.chain.mineOnly();
    proxy.set('pass');
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await untilLevel(() => node, tower.chain);
  });

  test('goes away between decryption and broadcast: the penalty is sent when it is back', async (t) => {
    const { tower, proxy, breach, protect } = await towerBehindProxy(t);
    await protect();
    let gone: Promise<void> | undefined;
    proxy.set(async (method) => {
      if (!gone && method !== 'sendrawtransaction') return 'pass';
      gone ??= tower.bitcoind.stop();
      await gone;
      return 'cut';
    });
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('it is gone', () => gone !== undefined);
    await gone;
    await untilSaid(tower, 'a breach waits for an answer');
    await tower.bitcoind.restart();
    proxy.set('pass');
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  });

  test('accepts calls and never answers, while ZMQ works: every call has an end, and is made again', async (t) => {
    const { tower, proxy, breach, protect } = await towerBehindProxy(t, { 'bitcoind.timeout_seconds': '1' });
    await protect();
    proxy.set('hold');
    await tower.chain.mineOnly([breach.disputeTx]);
    await untilSaid(tower, 'bitcoind does not answer; waiting for it');
    proxy.set('pass');
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
  });

  test('never answers while the node is told to stop: it stops all the same', async (t) => {
    const { tower, proxy, node } = await towerBehindProxy(t, { 'bitcoind.timeout_seconds': '600' });
    proxy.set('hold');
    const before = proxy.asked.length;
    await tower.chain.mine();
    await until('a call is under way', () => proxy.asked.length > before);
    await node.stop();
  });

  test('is warming up: that is waiting, not an error', async (t) => {
    const { tower, proxy, node } = await towerBehindProxy(t);
    proxy.set('warm-up');
    await tower.chain.mine();
    const said = await untilSaid(tower, 'bitcoind does not answer; waiting for it');
    assert.match(String(said.why), /Loading block index/);
    proxy.set('pass');
    await untilLevel(() => node, tower.chain);
    assert.deepEqual(
      tower.said.filter(({ level }) => level >= 50),
      [],
    );
  });

  test('does not take our credentials: that is said, and waited for; it goes on when the cookie changes', async (t) => {
    const tower = await startTestTower(t, { begin: false });
    const cookieFile = join(tempDir(t), '.cookie');
    writeFileSync(cookieFile, '__cookie__:of-another');
    const { rpcUrl, zmqUrl } = tower.bitcoind;
    const node = await tower.startNode('one', { bitcoind: { rpcUrl, zmqUrl, cookieFile } });
    await untilSaid(tower, 'bitcoind does not accept our credentials; waiting until it does');
    writeFileSync(cookieFile, readFileSync(tower.bitcoind.cookieFile));
    await untilLevel(() => node, tower.chain);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('is on another network: the node refuses it, and says so', async (t) => {
    const tower = await startTestTower(t, { begin: false, settings: { network: 'signet' } });
    await tower.restartNode();
    await until('it gave up', () => tower.gaveUp.length > 0);
    assert.match(String(tower.gaveUp[0]), /bitcoind is on regtest, but this tower is for signet/);
  });
});

/** A tower whose node reaches bitcoind through a proxy, and a channel that will be breached. */
async function towerBehindProxy(t: Cleanup, settings: Readonly<Record<string, string>> = {}) {
  const tower = await startTestTower(t, { begin: false, settings });
  const proxy = await startRpcProxy(t, tower.bitcoind.rpcUrl);
  const { cookieFile, zmqUrl } = tower.bitcoind;
  const node = await tower.startNode('one', { bitcoind: { rpcUrl: proxy.url, cookieFile, zmqUrl } });
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  await untilLevel(() => node, tower.chain);
  const breach: Breach = buildBreach(channel);
  const protect = async () => {
    const client = await tower.newClient();
    await client.register();
    await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  };
  return { tower, proxy, node, breach, protect };
}

const untilSaid = ({ said }: TestTower, msg: string) =>
  until(`said: ${msg}`, () => said.find((line) => line.msg === msg));
