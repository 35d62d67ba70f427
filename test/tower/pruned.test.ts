import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';
import { fromHex } from '../../events/bytes.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import type { Cleanup } from '../support/temp-dir.js';
import { isInMempool, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** Block files of 64 KiB, which can be deleted one by one; bitcoind keeps the last 288 blocks in any case. */
const PRUNING = ['-prune=1', '-fastprune'];
const MISSED = 900;

describe('a bitcoind that pruned blocks before the tower read them', () => {
  test('gets them from a peer: nothing is missing', async (t) => {
    const { tower, early, late } = await prunedTower(t, { peers: true });
    await tower.restartNode();
    await untilScanned(tower);
    for (const { penaltyTxid } of [early, late]) await until('answered', () => isInMempool(tower, penaltyTxid));
  });

  test('and cannot get them: newer blocks are evaluated, the gap is shown, also after a restart, until a peer has them', async (t) => {
    const { tower, early, late, connect, keepPeer } = await prunedTower(t, { peers: false });
    const isAtTip = async () => tower.node.chain.state.tip?.hash === (await tower.chain.tip());
    const hasGap = async () =>
      (await isAtTip()) &&
      (await gaps(tower)).length > 0 &&
      (await scannedHeight(tower)) === (await tower.chain.height());
    await tower.restartNode();
    await until('the newer breach is answered', () => isInMempool(tower, late.penaltyTxid));
    await until('all else is scanned', hasGap);
    const shown = await gaps(tower);
    assert.match(String(shown[0]), /^\d+-\d+$/);
    const said = tower.said.filter(({ msg }) => msg.startsWith('blocks not scanned'));
    assert.equal(`${Math.min(...said.map(({ from }) => Number(from)))}`, String(shown[0]).split('-')[0]);
    assert(!(await isInMempool(tower, early.penaltyTxid)), 'nobody has the block of that breach');

    await tower.restartNode();
    await until('as before', hasGap);
    assert.deepEqual(await gaps(tower), shown);

    await connect(true);
    await until('the older breach is answered', () => isInMempool(tower, early.penaltyTxid));
    await untilScanned(tower, keepPeer);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('and cannot get them: another node of the tower has them, and closes the gap', async (t) => {
    const { tower, early, late, archive } = await prunedTower(t, { peers: false });
    await tower.restartNode();
    await until('the newer breach is answered', () => isInMempool(tower, late.penaltyTxid));
    await until('there is a gap', async () => (await gaps(tower)).length > 0);
    await tower.startNode('two', { bitcoind: archive });
    await until('the older breach is answered', () => isInMempool(tower, early.penaltyTxid));
    await untilScanned(tower);
    assert.deepEqual(tower.gaveUp, []);
  });
});

/** What `argus info` shows of the only shard. */
async function shardInfo({ node }: TestTower) {
  const { shards } = (await node.info()) as { shards: { scanned_height: number; unscanned_heights: string[] }[] };
  return shards[0] ?? assert.fail('no shard');
}
const gaps = async (tower: TestTower) => (await shardInfo(tower)).unscanned_heights;
const scannedHeight = async (tower: TestTower) => (await shardInfo(tower)).scanned_height;

/** `keepPeer` brings back a peer that bitcoind has lost, for which it would itself look once a minute. */
async function untilScanned(tower: TestTower, keepPeer: () => Promise<void> = async () => {}): Promise<void> {
  await untilLevel(() => tower.node, tower.chain);
  await until('there is no gap', async () => {
    await keepPeer();
    return (await gaps(tower)).length === 0;
  });
}

/**
 * A tower whose node is stopped and misses 900 blocks, the older of which its bitcoind has pruned; there is a breach in one
 * of these, and one in a newer block. Another bitcoind, its peer if told, has all.
 */
async function prunedTower(t: Cleanup, { peers }: { readonly peers: boolean }) {
  const tower = await startTestTower(t, { listen: true, bitcoindArgs: PRUNING });
  const peer = `127.0.0.1:${tower.bitcoind.ports.p2p}`;
  const archive = await startTestBitcoind(t);
  const client = await tower.newClient();
  await client.register();
  const [one, two] = await openChannels(tower.chain, 2);
  assert(one && two);
  const [early, late]: Breach[] = [buildBreach(one), buildBreach(two)];
  assert(early && late);
  for (const { disputeTxid, penaltyTx } of [early, late]) await client.protect(disputeTxid, fromHex(penaltyTx), 144);
  await untilLevel(() => tower.node, tower.chain);
  await tower.stopNode();
  await tower.chain.mine(20);
  await tower.chain.mineOnly([early.disputeTx]);
  await tower.chain.mine(MISSED);
  await tower.chain.mineOnly([late.disputeTx]);
  await copyChain(tower.bitcoind, archive);
  assert.equal(await archive.rpc.call('getbestblockhash'), await tower.chain.tip());
  const connect = async (active: boolean) => {
    await archive.rpc.call('setnetworkactive', active);
    if (active) await archive.rpc.call('addnode', peer, 'onetry'); // by itself it tries once a minute
    await until('so it is', async () => ((await archive.rpc.call('getconnectioncount')) === 0) !== active);
  };
  const keepPeer = async () => {
    if ((await archive.rpc.call('getconnectioncount')) === 0) await connect(true);
  };
  await connect(peers);
  await tower.bitcoind.rpc.call('pruneblockchain', (await tower.chain.height()) - 300);
  return { tower, early, late, archive, connect, keepPeer };
}

/** Hands every block over by RPC: a bitcoind that is new to the chain does not take it from a peer that prunes. */
async function copyChain(from: Bitcoind, to: Bitcoind): Promise<void> {
  const tip = Number(await from.rpc.call('getblockcount'));
  for (let height = 1; height <= tip; height += 100) {
    const heights = Array.from({ length: Math.min(100, tip - height + 1) }, (_, i) => [height + i]);
    const hashes = await from.rpc.callMany('getblockhash', heights);
    const blocks = await from.rpc.callMany(
      'getblock',
      hashes.map((hash) => [hash, 0]),
    );
    await to.rpc.callMany(
      'submitblock',
      blocks.map((block) => [block]),
    );
  }
}
