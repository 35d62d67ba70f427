import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BitcoindUnreachable } from '../../../actors/bitcoind/rpc-errors.js';
import { Carrier } from '../../../actors/carrier/carrier.js';
import { type BreachOptions, buildBreach, type Channel, openChannels } from '../../../cli/demo/channel.js';
import { RegtestChain } from '../../../cli/servers/regtest-chain.js';
import type { Txid } from '../../../events/ids.js';
import { startTestBitcoind } from '../../support/bitcoind.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';

/** The Carrier on a real bitcoind, whose words for each case are the reason why it is tried. */

const MINED = { kind: 'already-mined' };
const ACCEPTED = { kind: 'accepted' };
const MISSING = { kind: 'inputs-missing-or-spent', detail: '-25' };

async function world(t: Cleanup, channels: number, extraArgs: string[] = []) {
  const bitcoind = await startTestBitcoind(t, { extraArgs });
  const chain = new RegtestChain(bitcoind.rpc);
  return { bitcoind, chain, carrier: new Carrier(bitcoind.rpc), channels: await openChannels(chain, channels) };
}

/** A breach whose dispute is in the mempool. */
async function breachOf(chain: RegtestChain, channel: Channel | undefined, options: BreachOptions = {}) {
  assert.ok(channel);
  const breach = buildBreach(channel, options);
  await chain.send(breach.disputeTx);
  return breach;
}

test('a penalty is accepted, accepted again, mined, and found in its block', async (t) => {
  const { chain, carrier, channels } = await world(t, 1);
  const breach = await breachOf(chain, channels[0]);
  assert.equal(await carrier.rawTransaction(breach.disputeTxid), breach.disputeTx);
  assert.equal(await carrier.rawTransaction(breach.penaltyTxid), undefined);
  assert.equal(await carrier.isUnspent(breach.disputeTxid, 0), true);

  assert.deepEqual(await carrier.broadcast(breach.penaltyTx), ACCEPTED);
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx), ACCEPTED);
  assert.equal(await carrier.isUnspent(breach.disputeTxid, 0), false);

  const [block] = await chain.mine();
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx), MINED);
  assert.deepEqual(await carrier.broadcast(breach.disputeTx), MISSING, 'mined, but all its outputs are spent');
  assert.equal(await carrier.rawTransaction(breach.penaltyTxid), undefined, 'there is no index of transactions');
  assert.equal(await carrier.rawTransaction(breach.penaltyTxid, block), breach.penaltyTx);
  assert.equal(await carrier.rawTransaction('00'.repeat(32) as Txid, block), undefined);
  assert.equal(await carrier.isUnspent(breach.penaltyTxid, 0), true);
});

test('a dispute whose block bitcoind has only the header of is looked for in the mempool', async (t) => {
  const { bitcoind, chain, channels } = await world(t, 2);
  const [seen, unseen] = channels.map((channel) => buildBreach(channel));
  assert.ok(seen && unseen);
  const behind = await startTestBitcoind(t);
  const raw = async (height: number) =>
    bitcoind.rpc.call('getblock', await bitcoind.rpc.call('getblockhash', height), 0);
  const tip = await chain.height();
  for (let height = 1; height <= tip; height++) await behind.rpc.call('submitblock', await raw(height));
  await new RegtestChain(behind.rpc).send(seen.disputeTx);
  const block = await chain.mineOnly([seen.disputeTx, unseen.disputeTx]);
  await behind.rpc.call('submitheader', await bitcoind.rpc.call('getblockheader', block, false));

  const carrier = new Carrier(behind.rpc);
  assert.equal(await carrier.rawTransaction(seen.disputeTxid, block), seen.disputeTx);
  assert.equal(await carrier.rawTransaction(unseen.disputeTxid, block), undefined);
});

test('a penalty waits for its dispute, and loses against one that is mined', async (t) => {
  const { chain, carrier, channels } = await world(t, 1);
  assert.ok(channels[0]);
  const [breach, other] = [buildBreach(channels[0]), buildBreach(channels[0])];
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx), MISSING);
  await chain.send(other.disputeTx);
  await chain.mine();
  assert.deepEqual(await carrier.broadcast(breach.disputeTx), MISSING);
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx, breach.disputeTx), MISSING);
});

test('a reorg takes the penalty out, and it is accepted again', async (t) => {
  const { chain, carrier, channels } = await world(t, 1);
  const breach = await breachOf(chain, channels[0]);
  const [block] = await chain.mine();
  assert.ok(block);
  await chain.mineOnly([breach.penaltyTx]);
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx), MINED);
  await chain.invalidate(block);
  await chain.mineOnly();
  assert.deepEqual(await carrier.broadcast(breach.disputeTx), ACCEPTED);
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx), ACCEPTED);
});

test('a low fee passes together with the parent, where the rules of relay allow it', async (t) => {
  // Knots has to be told to let a restricted parent pay nothing, as Core does by itself. Core does not know the option:
  // it would refuse to start with it as an argument, while in a file it is only a warning.
  const conf = join(tempDir(t), 'bitcoin.conf');
  writeFileSync(conf, 'regtest=1\n[regtest]\nmempooltruc=enforce\n');
  const { chain, carrier, channels } = await world(t, 1, [`-conf=${conf}`]);
  assert.ok(channels[0]);
  const breach = buildBreach(channels[0], { version: 3, disputeFeeRate: 0 });
  assert.deepEqual(await carrier.broadcast(breach.disputeTx), {
    kind: 'policy',
    detail: '-26 min relay fee not met',
  });
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx), MISSING);
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx, breach.disputeTx), ACCEPTED);
  await chain.mine();
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx), MINED);
});

test('a transaction that conflicts with a dearer one in the mempool is for later, and a dearer one replaces it', async (t) => {
  const { chain, carrier, channels } = await world(t, 1);
  const breach = await breachOf(chain, channels[0], { disputeFeeRate: 20 });
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx), ACCEPTED);
  const conflicting = (disputeFeeRate: number) => buildBreach(channels[0] ?? assert.fail(), { disputeFeeRate });
  assert.deepEqual(await carrier.broadcast(conflicting(2).disputeTx), {
    kind: 'policy',
    detail: '-26 insufficient fee',
  });
  assert.deepEqual(await carrier.broadcast(conflicting(80).disputeTx), ACCEPTED);
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx), MISSING);
});

test('an outage is no verdict; after it the same call succeeds', async (t) => {
  const { bitcoind, chain, carrier, channels } = await world(t, 1);
  const breach = await breachOf(chain, channels[0]);
  await bitcoind.stop();
  await assert.rejects(carrier.broadcast(breach.penaltyTx), BitcoindUnreachable);
  await assert.rejects(carrier.rawTransaction(breach.disputeTxid), BitcoindUnreachable);
  await assert.rejects(carrier.isUnspent(breach.disputeTxid, 0), BitcoindUnreachable);
  await bitcoind.restart();
  assert.deepEqual(await carrier.broadcast(breach.penaltyTx, breach.disputeTx), ACCEPTED);
});

test('what the mempool refuses', async (t) => {
  const script = /^-26 (mandatory|block)-script-verify-flag-failed$/;
  const cases: [name: string, options: BreachOptions, kind: string, detail: RegExp][] = [
    ['no fee', { penaltyFeeRate: 0 }, 'policy', /^-26 min relay fee not met$/],
    ['half the relay fee', { penaltyFeeRate: 0.5 }, 'policy', /^-26 min relay fee not met$/],
    ['a dust output', { flaw: 'dust-output' }, 'policy', /^-26 dust/],
    ['a locktime to come', { flaw: 'not-yet-final' }, 'policy', /^-26 non-final$/],
    ['more out than in', { flaw: 'creates-money' }, 'invalid', /^-26 bad-txns-in-belowout$/],
    ['no witness', { flaw: 'no-witness' }, 'invalid', script],
    ['a wrong signature', { flaw: 'wrong-key' }, 'invalid', script],
    [
      'a script that only relay forbids',
      { flaw: 'relay-forbids' },
      'policy',
      /^-26 mempool-script-verify-flag-failed$/,
    ],
  ];
  const { chain, carrier, channels } = await world(t, cases.length * 2);
  for (const [name, options, kind, detail] of cases)
    for (const mined of [false, true])
      await t.test(`a penalty with ${name} is ${kind}; its dispute is ${mined ? 'mined' : 'unconfirmed'}`, async () => {
        const breach = await breachOf(chain, channels.pop(), options);
        if (mined) await chain.mine();
        const verdict = await carrier.broadcast(breach.penaltyTx, ...(mined ? [] : [breach.disputeTx]));
        assert.equal(verdict.kind, kind);
        assert.match('detail' in verdict ? verdict.detail : '', detail);
      });
});

test('what is not a transaction is invalid', async (t) => {
  const { rpc } = await startTestBitcoind(t);
  for (const bytes of ['', '00', 'ff'.repeat(100), 'zz'])
    assert.deepEqual(await new Carrier(rpc).broadcast(bytes), { kind: 'invalid', detail: '-22' });
});
