import { randomBytes } from 'node:crypto';
import { opcodes, payments, script, Transaction } from 'bitcoinjs-lib';
import { fromHex, reversed, toHex } from '../../events/bytes.js';
import { Txid } from '../../events/ids.js';
import type { Coin, RegtestChain } from '../servers/regtest-chain.js';
import { outputOf, type RegtestKey, regtestKey, signP2wpkh } from '../servers/regtest-key.js';

/**
 * A Lightning channel on regtest, as far as a watchtower is concerned: a funding output, the revoked commitment with
 * which one side cheats, and the penalty with which the other answers. Scripts and signatures are real (BOLT 3); the
 * keys are simply random, as how they are derived cannot be seen on the chain.
 */
export interface Channel {
  /** The 2-of-2 output. */
  readonly funding: Coin;
  readonly cheater: RegtestKey;
  readonly victim: RegtestKey;
}

/** A cheat and the answer to it: raw transactions as hex, ids in display order. */
export interface Breach {
  readonly disputeTx: string;
  readonly disputeTxid: Txid;
  readonly penaltyTx: string;
  readonly penaltyTxid: Txid;
  /** What the penalty pays to the victim. */
  readonly penaltySat: bigint;
}

/**
 * What is wrong with a penalty that is made to fail. The first three are in its witness and leave its txid as it is;
 * `relay-forbids` is a true condition that is not 1, which blocks may hold and the mempool refuses (MINIMALIF).
 */
export type Flaw = 'no-witness' | 'wrong-key' | 'relay-forbids' | 'creates-money' | 'dust-output' | 'not-yet-final';

/** How a breach is built; fee rates are in satoshis per virtual byte, and 0 pays nothing at all. */
export interface BreachOptions {
  readonly disputeFeeRate?: number;
  readonly penaltyFeeRate?: number;
  /** In blocks; 144 unless told. */
  readonly toSelfDelay?: number;
  readonly flaw?: Flaw;
  /** The key with which the cheater takes its half after the delay; one that nobody has unless told. */
  readonly delayed?: RegtestKey;
  /** 3 makes both transactions "topologically restricted" (BIP 431): then the parent of a package may pay no fee. */
  readonly version?: 2 | 3;
}

/** Opens channels of `capacitySat` each, all funded by one transaction (or one for each thousand) and mined. */
export async function openChannels(chain: RegtestChain, count: number, capacitySat = 1_000_000n): Promise<Channel[]> {
  const pairs = Array.from({ length: count }, () => ({ cheater: regtestKey(), victim: regtestKey() }));
  const scripts = pairs.map((pair) => outputOf(payments.p2wsh({ redeem: { output: fundingScript(pair) } })));
  const coins = await chain.fund(scripts, capacitySat);
  return pairs.flatMap((pair, i) => (coins[i] ? [{ ...pair, funding: coins[i] }] : []));
}

/** A revoked commitment of the channel and its penalty. Each call makes another pair, of which the chain takes one. */
export function buildBreach(channel: Channel, options: BreachOptions = {}): Breach {
  const revocation = regtestKey();
  const { toSelfDelay = 144, delayed = regtestKey() } = options;
  const toLocal = toLocalScript(revocation.publicKey, toSelfDelay, delayed.publicKey);
  const dispute = withFeeRate(options.disputeFeeRate ?? 2, (fee) =>
    commitment(channel, toLocal, fee, options.version ?? 2),
  );
  const penalty = withFeeRate(options.penaltyFeeRate ?? 10, (fee) =>
    penaltyFor(dispute, toLocal, revocation, channel.victim, fee, options.flaw),
  );
  return {
    disputeTx: dispute.toHex(),
    disputeTxid: Txid.parse(dispute.getId()),
    penaltyTx: penalty.toHex(),
    penaltyTxid: Txid.parse(penalty.getId()),
    penaltySat: penalty.outs[0]?.value ?? 0n,
  };
}

/** A transaction that spends the penalty's output, so that the penalty has a descendant: its raw hex. */
export function spendPenalty(channel: Channel, breach: Breach, feeRate = 10): string {
  const tx = withFeeRate(feeRate, (fee) => {
    const spend = new Transaction();
    spend.version = 2;
    spend.addInput(reversed(fromHex(breach.penaltyTxid)), 0);
    spend.addOutput(channel.victim.p2wpkh, breach.penaltySat - fee);
    signP2wpkh(spend, 0, channel.victim, breach.penaltySat);
    return spend;
  });
  return tx.toHex();
}

/** A transaction in which the victim takes its own half of a commitment to itself, so that the penalty loses an input: its raw hex. */
export function sweepOwnHalf(channel: Channel, breach: Breach, feeRate = 10): string {
  const dispute = Transaction.fromHex(breach.disputeTx);
  const half = dispute.outs[1]?.value ?? 0n;
  const tx = withFeeRate(feeRate, (fee) => {
    const sweep = new Transaction();
    sweep.version = 2;
    sweep.addInput(dispute.getHash(), 1, 0xfffffffd);
    sweep.addOutput(channel.victim.p2wpkh, half - fee);
    signP2wpkh(sweep, 0, channel.victim, half);
    return sweep;
  });
  return tx.toHex();
}

/** A transaction in which the cheater takes its half of a revoked commitment, so many blocks after it was mined: its raw hex. */
export function sweepDelayed(breach: Breach, delayed: RegtestKey, toSelfDelay: number, feeRate = 10): string {
  const dispute = Transaction.fromHex(breach.disputeTx);
  const toLocal = Transaction.fromHex(breach.penaltyTx).ins[0]?.witness.at(-1) ?? new Uint8Array();
  const half = dispute.outs[0]?.value ?? 0n;
  const tx = withFeeRate(feeRate, (fee) => {
    const sweep = new Transaction();
    sweep.version = 2;
    sweep.addInput(dispute.getHash(), 0, toSelfDelay);
    sweep.addOutput(delayed.p2wpkh, half - fee);
    const digest = sweep.hashForWitnessV0(0, toLocal, half, Transaction.SIGHASH_ALL);
    sweep.setWitness(0, [delayed.sign(digest), new Uint8Array(), toLocal]);
    return sweep;
  });
  return tx.toHex();
}

/** The cheater's revoked commitment: half to the cheater, delayed and revocable, and half to the victim. */
function commitment(channel: Channel, toLocal: Uint8Array, fee: bigint, version: number): Transaction {
  const { funding, cheater, victim } = channel;
  const half = funding.sat / 2n;
  const number = randomBytes(6); // obscured commitment number, 48 bits, split over sequence and locktime
  const tx = new Transaction();
  tx.version = version;
  tx.locktime = 0x20000000 + number.readUIntBE(3, 3);
  tx.addInput(reversed(fromHex(funding.txid)), funding.vout, 0x80000000 + number.readUIntBE(0, 3));
  tx.addOutput(outputOf(payments.p2wsh({ redeem: { output: toLocal } })), funding.sat - half - fee);
  tx.addOutput(victim.p2wpkh, half);
  const code = fundingScript(channel);
  const digest = tx.hashForWitnessV0(0, code, funding.sat, Transaction.SIGHASH_ALL);
  const signatures = inOrder(cheater, victim).map((key) => key.sign(digest));
  tx.setWitness(0, [new Uint8Array(), ...signatures, code]);
  return tx;
}

/** Takes both outputs of a revoked commitment to the victim. */
function penaltyFor(
  dispute: Transaction,
  toLocal: Uint8Array,
  revocation: RegtestKey,
  victim: RegtestKey,
  fee: bigint,
  flaw: Flaw | undefined,
): Transaction {
  const [local = 0n, remote = 0n] = dispute.outs.map((out) => out.value);
  const tx = new Transaction();
  tx.version = dispute.version;
  if (flaw === 'not-yet-final') tx.locktime = 400_000_000; // a height that regtest will not see
  for (const vout of [0, 1]) tx.addInput(dispute.getHash(), vout, 0xfffffffd);
  const dust = flaw === 'dust-output' ? 100n : 0n;
  const extra = flaw === 'creates-money' ? 1_000_000n : 0n;
  tx.addOutput(victim.p2wpkh, local + remote - fee - dust + extra);
  if (dust) tx.addOutput(victim.p2wpkh, dust);
  if (flaw === 'no-witness') return tx;
  const digest = tx.hashForWitnessV0(0, toLocal, local, Transaction.SIGHASH_ALL);
  const key = flaw === 'wrong-key' ? regtestKey() : revocation;
  tx.setWitness(0, [key.sign(digest), Uint8Array.of(flaw === 'relay-forbids' ? 2 : 1), toLocal]);
  signP2wpkh(tx, 1, victim, remote);
  return tx;
}

/** What `build` gives for the fee that makes `rate` satoshis per virtual byte, to within a byte or two. */
function withFeeRate(rate: number, build: (fee: bigint) => Transaction): Transaction {
  return build(BigInt(Math.ceil(rate * (build(0n).virtualSize() + 2)))); // a DER signature's length varies
}

/** BOLT 3, funding transaction output: the keys in lexicographic order. */
function fundingScript({ cheater, victim }: Pick<Channel, 'cheater' | 'victim'>): Uint8Array {
  return outputOf(payments.p2ms({ m: 2, pubkeys: inOrder(cheater, victim).map((key) => key.publicKey) }));
}

const inOrder = (...keys: RegtestKey[]): RegtestKey[] =>
  keys.sort((a, b) => (toHex(a.publicKey) < toHex(b.publicKey) ? -1 : 1));

/** BOLT 3, to_local output: at once to who knows the revocation key, after the delay to the commitment's owner. */
const toLocalScript = (revocation: Uint8Array, toSelfDelay: number, delayed: Uint8Array): Uint8Array =>
  script.compile([
    opcodes.OP_IF as number,
    revocation,
    opcodes.OP_ELSE as number,
    script.number.encode(toSelfDelay),
    opcodes.OP_CHECKSEQUENCEVERIFY as number,
    opcodes.OP_DROP as number,
    delayed,
    opcodes.OP_ENDIF as number,
    opcodes.OP_CHECKSIG as number,
  ]);
