import { z } from 'zod';
import { toHex } from '../../events/bytes.js';
import { BlockHash, type TowerId } from '../../events/ids.js';
import type { PowNetwork } from '../../events/proofs/headers.js';
import { MISSED_BREACH, type MissedBreach, MOST_HEADERS, type Promised } from '../../events/proofs/missed-breach.js';
import { type Breach, verifyBreach, wrongWithPromise } from '../../events/proofs/verify-breach.js';
import type { BitcoindRpc } from '../bitcoind/rpc.js';
import { BitcoindRefused } from '../bitcoind/rpc-errors.js';
import { ChainError, findDispute, findTakings, type Taken } from './dispute-search.js';

/** Evidence of a missed breach, made with a bitcoind, and what a bitcoind adds to what a file shows by itself. */

type Rpc = Pick<BitcoindRpc, 'call' | 'callMany'>;

/** Headers behind the dispute's and the spend's, if the chain has them. */
const DEEP = 144;
/** Behind what took the output. */
const BURIED = 6;

const ChainInfo = z.object({ chain: z.string(), blocks: z.number().int(), bestblockhash: BlockHash });
const NETWORKS: Readonly<Record<string, PowNetwork>> = {
  main: 'mainnet',
  test: 'testnet',
  testnet4: 'testnet4',
  signet: 'signet',
  regtest: 'regtest',
};

/**
 * Makes the evidence for what a tower promised. Rejects with `ChainError` if the promise is none, no dispute was mined, or the
 * file would not verify, and with the errors of `rpc-errors.ts`.
 */
export async function gatherEvidence(rpc: Rpc, promised: Promised, towerId: TowerId): Promise<MissedBreach> {
  const wrong = wrongWithPromise(promised, towerId);
  if (wrong !== undefined) throw new ChainError(wrong);
  const { chain, blocks: tip, bestblockhash } = ChainInfo.parse(await rpc.call('getblockchaininfo'));
  const network = NETWORKS[chain];
  if (!network) throw new ChainError(`${chain} is no network that Argus knows`);
  const { locator } = promised.appointment;
  const wanted = { locator, dialect: promised.dialect };
  const found = await findDispute(rpc, wanted, promised.receipt.startBlock, tip);
  const raw = (txid: string, block: string) => text(rpc.call('getrawtransaction', txid, false, block));
  const proof = (txids: readonly string[], block: string) => text(rpc.call('gettxoutproof', txids, block));
  const dispute = {
    rawTx: await raw(found.txid, found.hash),
    inclusion: await proof([found.coinbase, found.txid], found.hash),
    coinbase: await raw(found.coinbase, found.hash),
  };
  const headers = (to: number) => headersOf(rpc, found.height, Math.min(to, tip));
  const made = { height: tip, hash: bestblockhash };
  const file: MissedBreach = { kind: MISSED_BREACH, v: 1, network, ...promised, dispute, headers: [], made };
  const bare = { ...file, headers: await headers(found.height + DEEP) };
  const breach = breachOf(bare, towerId);
  const taken = theTaking(await findTakings(rpc, breach, tip), breach);
  if (!taken) return bare;
  if (taken.height - found.height + BURIED > MOST_HEADERS) return bare;
  const spend = { rawTx: taken.rawTx, inclusion: await proof([taken.txid], taken.hash) };
  const whole = { ...bare, headers: await headers(Math.max(found.height + DEEP, taken.height + BURIED)), spend };
  breachOf(whole, towerId);
  return whole;
}

function breachOf(file: MissedBreach, towerId: TowerId): Breach {
  const verified = verifyBreach(file, towerId);
  if (!verified.ok) throw new ChainError(verified.why);
  return verified.breach;
}

/**
 * What took an output instead of the penalty; undefined if nothing did. Throws `ChainError` where the penalty was mined, or
 * another one, or where the user itself made it void: then no breach was missed.
 */
function theTaking(all: readonly Taken[], { penaltyTxid }: Breach): Taken | undefined {
  for (const { txid, height, taking, vout } of all) {
    if (txid === penaltyTxid) throw new ChainError(`the penalty was mined at height ${height}`);
    if (taking === 'with the revocation key')
      throw new ChainError(
        `output ${vout} was taken with the revocation key at height ${height}: that is a penalty, too`,
      );
    if (taking === 'after the delay' || taking === 'unknown') break;
    if (taking === 'with a key')
      throw new ChainError(
        `output ${vout} was taken at height ${height} by whom it belongs to, who is no cheater: no penalty could follow`,
      );
  }
  return all[0];
}

/** What a bitcoind adds. */
export interface OnChain {
  /** Up to which height there is no penalty. */
  readonly height: number;
  /** What took an output instead. */
  readonly taken: Pick<Taken, 'txid' | 'height' | 'taking'> | undefined;
  /** Whether bitcoind ran the penalty's scripts; it cannot where an input is not of the dispute. */
  readonly ranScripts: boolean;
}

/** Looks what a file shows up in a chain. Rejects with `ChainError` where that says that no breach was missed, or not yet. */
export async function lookUpEvidence(rpc: Rpc, file: MissedBreach, breach: Breach): Promise<OnChain> {
  const { chain, blocks: height } = ChainInfo.parse(await rpc.call('getblockchaininfo'));
  if (NETWORKS[chain] !== file.network)
    throw new ChainError(`this bitcoind is on ${chain}, the file on ${file.network}`);
  const { data: here } = BlockHash.safeParse(
    await rpc.call('getblockhash', breach.disputeHeight).catch(() => undefined),
  );
  if (here !== breach.disputeBlock) throw new ChainError('the block of the dispute is not on the best chain');
  const ranScripts = await runScripts(rpc, breach);
  const taken = theTaking(await findTakings(rpc, breach, height), breach);
  const due = breach.disputeHeight + file.appointment.toSelfDelay;
  if (!taken && height < due)
    throw new ChainError(`nothing has taken the outputs yet, and the penalty has time until height ${due}`);
  return { height, taken, ranScripts };
}

const Ran = z.object({
  complete: z.boolean(),
  errors: z.array(z.object({ vout: z.number(), error: z.string() })).optional(),
});

/** Has bitcoind run the scripts of a penalty: to sign it with no keys is to verify it. */
async function runScripts(rpc: Rpc, { penalty, dispute, disputeTxid, spent }: Breach): Promise<boolean> {
  if (spent.length < penalty.ins.length) return false;
  const outputs = spent.map(({ input, vout }) => {
    const { script = new Uint8Array(), value = 0n } = dispute.outs[vout] ?? {};
    const last = penalty.ins[input]?.witness.at(-1);
    const isScriptHash = script.length === 34 && script[0] === 0;
    return {
      txid: disputeTxid,
      vout,
      scriptPubKey: toHex(script),
      amount: bitcoins(value),
      ...(isScriptHash && last && { witnessScript: toHex(last) }),
    };
  });
  const answer = await rpc.call('signrawtransactionwithkey', penalty.toHex(), [], outputs).catch((error) => {
    if (error instanceof BitcoindRefused) throw new ChainError(`bitcoind does not take the penalty: ${error.message}`);
    throw error;
  });
  const ran = Ran.parse(answer);
  if (ran.complete) return true;
  const [first] = ran.errors ?? [];
  throw new ChainError(
    `the penalty is not valid: for output ${first?.vout} of the dispute bitcoind says: ${first?.error}`,
  );
}

const bitcoins = (sat: bigint): string => `${sat / 100_000_000n}.${String(sat % 100_000_000n).padStart(8, '0')}`;

const text = async (answer: Promise<unknown>): Promise<string> => z.string().parse(await answer);

async function headersOf(rpc: Rpc, from: number, to: number): Promise<string[]> {
  const heights = Array.from({ length: Math.min(to - from + 1, MOST_HEADERS) }, (_, n) => from + n);
  const hashes = await rpc.callMany(
    'getblockhash',
    heights.map((height) => [height]),
  );
  const headers = await rpc.callMany(
    'getblockheader',
    hashes.map((hash) => [hash, false]),
  );
  return z.array(z.string()).parse(headers);
}
