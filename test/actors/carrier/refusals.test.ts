import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opcodes, script, Transaction } from 'bitcoinjs-lib';
import { BitcoindRefused } from '../../../actors/bitcoind/rpc-errors.js';
import { Carrier } from '../../../actors/carrier/carrier.js';
import { mayPassAsPackage, type Refusal, tokenOf, verdictOf } from '../../../actors/carrier/verdict.js';
import { buildBreach, type Channel, openChannels, spendPenalty } from '../../../cli/demo/channel.js';
import type { Bitcoind } from '../../../cli/servers/bitcoind.js';
import { RegtestChain } from '../../../cli/servers/regtest-chain.js';
import { type RegtestKey, regtestKey, signP2wpkh } from '../../../cli/servers/regtest-key.js';
import { fromHex, reversed } from '../../../events/bytes.js';
import { refusals } from '../../fixtures/refusals.js';
import { startTestBitcoind } from '../../support/bitcoind.js';

/**
 * Provokes every refusal of the table on the bitcoind at hand, and compares its code and token with what was recorded.
 * Another bitcoind may have another word for it: then the table gets one more, and `verdict.ts` has to know it.
 */
test('bitcoind refuses in the words of the table', async (t) => {
  const world = await startWorld(t);
  const provoked = new Set<string>();
  for (const [name, provoke] of Object.entries(cases))
    await t.test(name, async () => {
      provoked.add(name);
      const rawTx = await provoke(world);
      const said = await refusalOf(world.bitcoind, rawTx);
      const known = refusals.find((each) => each.name === name);
      assert.ok(known, `not recorded: ${JSON.stringify(said)}`);
      const inCore = known.inCore === undefined ? known.said : { ...known.said, token: known.inCore };
      assert.deepEqual(said, said.token === inCore.token ? inCore : known.said);
      const { kind } = await world.carrier.broadcast(rawTx);
      assert.equal(kind, known.broadcast ?? known.verdict);
    });
  assert.deepEqual(
    refusals.filter(({ name }) => !provoked.has(name)),
    [],
    'everything recorded can be provoked',
  );
});

for (const { name, said, verdict, asPackage = false } of refusals)
  test(`${name} is ${verdict}`, () => {
    assert.equal(verdictOf(said).kind, verdict);
    assert.equal(mayPassAsPackage(said), asPackage);
  });

interface World {
  readonly bitcoind: Bitcoind;
  readonly chain: RegtestChain;
  readonly carrier: Carrier;
  readonly nextChannel: () => Channel;
  /** A coin of one output in a block, and its key. */
  readonly nextCoin: () => {
    readonly key: RegtestKey;
    readonly txid: string;
    readonly vout: number;
    readonly sat: bigint;
  };
}

async function startWorld(t: Parameters<typeof startTestBitcoind>[0]): Promise<World> {
  const bitcoind = await startTestBitcoind(t);
  const chain = new RegtestChain(bitcoind.rpc);
  const channels = await openChannels(chain, 20);
  const keys = Array.from({ length: 20 }, () => regtestKey());
  const coins = await chain.fund(
    keys.map(({ p2wpkh }) => p2wpkh),
    1_000_000n,
  );
  const owned = coins.map((coin, n) => ({ ...coin, key: keys[n] ?? assert.fail() }));
  return {
    bitcoind,
    chain,
    carrier: new Carrier(bitcoind.rpc),
    nextChannel: () => channels.pop() ?? assert.fail('too few channels'),
    nextCoin: () => owned.pop() ?? assert.fail('too few coins'),
  };
}

/** What `sendrawtransaction` and, for -26, `testmempoolaccept` say. */
async function refusalOf({ rpc }: Bitcoind, rawTx: string): Promise<Refusal> {
  try {
    await rpc.call('sendrawtransaction', rawTx, 0, 21_000_000);
  } catch (error) {
    if (!(error instanceof BitcoindRefused)) throw error;
    const { rpcCode } = error;
    if (rpcCode !== -26) return { rpcCode };
    const [{ 'reject-reason': reason }] = (await rpc.call('testmempoolaccept', [rawTx], 0)) as [
      { 'reject-reason': string },
    ];
    return { rpcCode, token: tokenOf(reason) };
  }
  return assert.fail('it was accepted');
}

/** A signed transaction that spends a coin, made wrong before it is signed. */
function spend({ nextCoin }: World, make: (tx: Transaction, sat: bigint) => void): string {
  const { key, txid, vout, sat } = nextCoin();
  const tx = new Transaction();
  tx.version = 2;
  tx.addInput(reversed(fromHex(txid)), vout, 0xfffffffd);
  make(tx, sat);
  signP2wpkh(tx, 0, key, sat);
  return tx.toHex();
}

/** Pay to anchor, the shortest output that is relayed: with it a transaction has 64 bytes beside its witness. */
const ANCHOR = fromHex('51024e73');

const pay = (tx: Transaction, sat: bigint) => tx.addOutput(regtestKey().p2wpkh, sat);

/** A penalty whose dispute is mined. */
async function penaltyOf(world: World, options: Parameters<typeof buildBreach>[1] = {}): Promise<string> {
  const breach = buildBreach(world.nextChannel(), options);
  await world.chain.mineOnly([breach.disputeTx]);
  return breach.penaltyTx;
}

const cases: Record<string, (world: World) => Promise<string>> = {
  'a fee below the relay fee': (world) => penaltyOf(world, { penaltyFeeRate: 0 }),
  'a dust output': (world) => penaltyOf(world, { flaw: 'dust-output' }),
  'a locktime to come': (world) => penaltyOf(world, { flaw: 'not-yet-final' }),
  'a relative locktime to come': async (world) => {
    return spend(world, (tx, sat) => {
      pay(tx, sat - 10_000n);
      for (const input of tx.ins) input.sequence = 10_000;
    });
  },
  'more out than in': (world) => penaltyOf(world, { flaw: 'creates-money' }),
  'no witness': (world) => penaltyOf(world, { flaw: 'no-witness' }),
  'a wrong signature': (world) => penaltyOf(world, { flaw: 'wrong-key' }),
  'a script that only relay forbids': (world) => penaltyOf(world, { flaw: 'relay-forbids' }),
  'an output script of no standard': async (world) =>
    spend(world, (tx, sat) => tx.addOutput(script.compile([opcodes.OP_ADD as number]), sat - 10_000n)),
  'a version of no standard': async (world) =>
    spend(world, (tx, sat) => {
      pay(tx, sat - 10_000n);
      tx.version = 9;
    }),
  'fewer bytes than are relayed': async (world) => spend(world, (tx, sat) => tx.addOutput(ANCHOR, sat - 10_000n)),
  'a weight above what is relayed': async (world) =>
    spend(world, (tx) => {
      for (let n = 0; n < 3_500; n++) pay(tx, 270n);
    }),
  'the same input twice': async (world) =>
    spend(world, (tx, sat) => {
      const [input] = tx.ins;
      if (input) tx.addInput(input.hash, input.index);
      pay(tx, sat - 10_000n);
    }),
  'an output above all money': async (world) => spend(world, (tx) => void pay(tx, 2_100_000_000_000_001n)),
  'no output': async (world) => spend(world, () => {}),
  'a coinbase': async () => {
    const tx = new Transaction();
    tx.addInput(new Uint8Array(32), 0xffffffff, 0xffffffff, fromHex('51515151'));
    pay(tx, 1_000_000n);
    return tx.toHex();
  },
  'a coinbase spent too early': async (world) => {
    const key = regtestKey();
    const { address } = (await world.bitcoind.rpc.call('decodescript', Buffer.from(key.p2wpkh).toString('hex'))) as {
      address: string;
    };
    const [block] = await world.chain.mine(1, { to: address });
    const { tx } = (await world.bitcoind.rpc.call('getblock', block, 2)) as { tx: { hex: string; txid: string }[] };
    const coinbase = Transaction.fromHex(tx[0]?.hex ?? '');
    const sat = coinbase.outs[0]?.value ?? 0n;
    const early = new Transaction();
    early.version = 2;
    early.addInput(coinbase.getHash(), 0);
    pay(early, sat - 10_000n);
    signP2wpkh(early, 0, key, sat);
    return early.toHex();
  },
  'inputs that are not there yet': async (world) => buildBreach(world.nextChannel()).penaltyTx,
  'inputs that another transaction spent in a block': async (world) => {
    const channel = world.nextChannel();
    const [ours, theirs] = [buildBreach(channel), buildBreach(channel)];
    await world.chain.mineOnly([theirs.disputeTx]);
    return ours.disputeTx;
  },
  'a dearer conflict in the mempool': async (world) => {
    const channel = world.nextChannel();
    await world.chain.send(buildBreach(channel, { disputeFeeRate: 20 }).disputeTx);
    return buildBreach(channel, { disputeFeeRate: 2 }).disputeTx;
  },
  'a conflict with its own parent in the mempool': async (world) => {
    const channel = world.nextChannel();
    const breach = buildBreach(channel);
    await world.chain.send(breach.disputeTx);
    const tx = Transaction.fromHex(breach.penaltyTx);
    const funding = Transaction.fromHex(breach.disputeTx).ins[0];
    if (funding) tx.addInput(funding.hash, funding.index);
    return tx.toHex();
  },
  'already in a block': async (world) => {
    const breach = buildBreach(world.nextChannel());
    await world.chain.mineOnly([breach.disputeTx, breach.penaltyTx]);
    return breach.penaltyTx;
  },
  'already in a block, with its outputs spent': async (world) => {
    const channel = world.nextChannel();
    const breach = buildBreach(channel);
    await world.chain.mineOnly([breach.disputeTx, breach.penaltyTx, spendPenalty(channel, breach)]);
    return breach.penaltyTx;
  },
  'too long a chain of the unconfirmed': async (world) => {
    const { key, txid, vout, sat } = world.nextCoin();
    let coin = { hash: reversed(fromHex(txid)), vout, sat };
    for (let n = 0; ; n++) {
      const tx = new Transaction();
      tx.version = 2;
      tx.addInput(coin.hash, coin.vout, 0xfffffffd);
      tx.addOutput(key.p2wpkh, coin.sat - 2_000n);
      signP2wpkh(tx, 0, key, coin.sat);
      if (n === 25) return tx.toHex();
      await world.chain.send(tx.toHex());
      coin = { hash: tx.getHash(), vout: 0, sat: coin.sat - 2_000n };
    }
  },
  'no transaction at all': async () => '00',
};
