import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockSource } from '../../actors/chain-monitor/block-source.js';
import { areOfBlock } from '../../actors/txids-check.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { concat, fromHex } from '../../events/bytes.js';
import { blockHash } from '../fixtures/ids.js';
import { startTestBitcoind } from '../support/bitcoind.js';

test('txids are those of a block only if they are all of them, in their order', async (t) => {
  const { rpc } = await startTestBitcoind(t);
  const chain = new RegtestChain(rpc);
  await chain.mine(101);
  const source = new BlockSource(rpc);
  for (const count of [0, 1, 2, 3, 6, 11]) {
    await chain.fund(
      Array.from({ length: count }, () => fromHex(`0014${'5a'.repeat(20)}`)),
      10_000n,
    );
    const hash = await chain.tip();
    const { txidsInternal: txids } = await source.block(hash);
    assert.ok(txids);
    const isIt = (bytes: Uint8Array) => areOfBlock(rpc, hash, bytes);
    assert.equal(await isIt(txids), true);
    assert.equal(await isIt(txids.subarray(0, -1)), false);
    assert.equal(await isIt(new Uint8Array()), false);
    const [first, last] = [txids.subarray(0, 32), txids.subarray(-32)];
    // Of an odd number the last one counts twice: the root is the same, the block is not.
    assert.equal(await isIt(concat(txids, last)), false);
    if (txids.length > 32) assert.equal(await isIt(concat(last, txids.subarray(32, -32), first)), false);
    const flipped = new Uint8Array(txids);
    flipped[txids.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
    assert.equal(await isIt(flipped), false);
    assert.equal(await areOfBlock(rpc, blockHash('another'), txids), undefined);
  }
});

test('where bitcoind cannot tell, nobody says that they are not', async (t) => {
  const alive = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(alive));
  const txids = new Uint8Array(32);
  const hash = blockHash('a');
  const away = { call: () => Promise.reject(new Error('away')) };
  assert.equal(await areOfBlock(away, hash, txids), undefined);
  for (const answer of [null, {}, { hash, merkleroot: 'x', nTx: 1 }])
    assert.equal(await areOfBlock({ call: async () => answer }, hash, txids), undefined);
  const silent = { call: () => new Promise<never>(() => {}) };
  assert.equal(await areOfBlock(silent, hash, txids), undefined);
});
