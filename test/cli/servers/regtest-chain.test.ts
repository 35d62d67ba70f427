import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RegtestChain } from '../../../cli/servers/regtest-chain.js';
import { regtestKey } from '../../../cli/servers/regtest-key.js';
import { startTestBitcoind } from '../../support/bitcoind.js';

test('pays many scripts in one go, and again after a fork took the coins', async (t) => {
  const { rpc } = await startTestBitcoind(t);
  const chain = new RegtestChain(rpc);
  const scripts = Array.from({ length: 1_200 }, () => regtestKey().p2wpkh);
  const coins = await chain.fund(scripts, 50_000n);
  assert.equal(coins.length, 1_200);
  for (const i of [0, 999, 1_000, 1_199]) {
    const coin = coins[i];
    assert.deepEqual(coin?.script, scripts[i]);
    const found = await rpc.call('gettxout', coin?.txid, coin?.vout);
    assert.match(JSON.stringify(found), /"confirmations":1,"value":0.0005/);
  }
  await chain.invalidate((await chain.mine(1))[0] ?? assert.fail());
  const first = await rpc.call('getblockhash', 1);
  await rpc.call('invalidateblock', first);
  assert.equal(await chain.height(), 0);
  assert.equal((await chain.fund(scripts.slice(0, 2), 1_000_000n)).length, 2);
});

test('a block can be left for another branch and come back', async (t) => {
  const { rpc } = await startTestBitcoind(t);
  const chain = new RegtestChain(rpc);
  const [, second] = await chain.mine(2);
  assert.ok(second);
  await chain.invalidate(second);
  assert.equal(await chain.height(), 1);
  const other = await chain.mineOnly();
  assert.notEqual(other, second);
  await chain.reconsider(second);
  await chain.mine(1);
  assert.equal(await chain.height(), 3);
});
