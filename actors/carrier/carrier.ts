import { Transaction } from 'bitcoinjs-lib';
import { z } from 'zod';
import { fromHex, isHex, reversed, sha256, toHex } from '../../events/bytes.js';
import type { BlockHash, Txid } from '../../events/ids.js';
import { BitcoindRefused, understood } from '../bitcoind/rpc-errors.js';
import { BlockTemplate, blockProposal } from './block-proposal.js';
import { ANY_BURN, ANY_FEE, type SendingBitcoind, Sends } from './sends.js';
import {
  isInvalidForEver,
  isScriptFailure,
  mayPassAsPackage,
  type Refusal,
  RPC,
  tokenOf,
  type Verdict,
  verdictOf,
} from './verdict.js';

/**
 * The Carrier brings transactions to bitcoind and says what became of them.
 *
 *   Watcher, Responder --raw transaction--> Carrier --RPC--> bitcoind
 *                      <-----verdict-------
 *
 * | takes | gives |
 * |---|---|
 * | `broadcast(rawTx, parentRawTx?)` | a `Verdict`: accepted, already-mined, inputs-missing-or-spent, policy, invalid, unknown |
 * | `rawTransaction(txid, block?)` | the raw hex, or undefined when bitcoind does not find it |
 * | `isUnspent(txid, vout)` | whether the output exists and nothing in the chain or the mempool spends it |
 * | `isUnspentInChain(txid, vout)` | the same of the chain alone |
 * | `rawBlock(hash)` | a block's raw hex, or undefined when bitcoind has it not |
 *
 * It remembers nothing; asking twice is harmless. An outage is not a verdict: each method then rejects with
 * `BitcoindUnreachable` (or `BitcoindUnauthorized`), and the caller waits and asks again.
 */
export class Carrier {
  readonly #sends: Sends;

  constructor(private readonly bitcoind: CarrierBitcoind) {
    this.#sends = new Sends(bitcoind);
  }

  /**
   * Sends a raw transaction (hex). A low fee, or a parent that is not in the mempool, is met by sending both as a
   * package, if the parent is given; it is given only while it is unconfirmed.
   */
  async broadcast(rawTx: string, parentRawTx?: string): Promise<Verdict> {
    const refusal = await this.#send(rawTx);
    if (!refusal) return { kind: 'accepted' };
    const parents = parentRawTx === undefined ? [] : [parentRawTx];
    if (parents.length > 0 && mayPassAsPackage(refusal) && (await this.#passesAsPackage([...parents, rawTx])))
      return { kind: 'accepted' };
    if (isScriptFailure(refusal)) {
      const rule = await this.#brokenRule(rawTx, parents);
      if (rule !== undefined) return verdictOf({ rpcCode: refusal.rpcCode, token: rule });
    }
    return verdictOf(refusal);
  }

  /** The raw hex of a transaction in a block, if that is given, or in the mempool; needs no `txindex`. */
  async rawTransaction(txid: Txid, block?: BlockHash): Promise<string | undefined> {
    await this.#sends.idle(); // for one transaction of a block, bitcoind reads all of it
    return (block && (await this.#rawTransaction(txid, block))) ?? (await this.#rawTransaction(txid));
  }

  async #rawTransaction(...where: [Txid, BlockHash?]): Promise<string | undefined> {
    const [txid, ...block] = where;
    try {
      const answer = await this.bitcoind.call('getrawtransaction', txid, false, ...block);
      return understood('getrawtransaction', () => transactionOf(txid, answer));
    } catch (error) {
      if (error instanceof BitcoindRefused && NOT_THERE.has(error.rpcCode)) return undefined;
      throw error;
    }
  }

  /** Whether an output exists, in the chain or the mempool, and nothing there spends it. */
  async isUnspent(txid: Txid, vout: number): Promise<boolean> {
    return isThere(await this.bitcoind.call('gettxout', txid, vout));
  }

  /** Whether an output exists in the chain and nothing in the chain spends it. */
  async isUnspentInChain(txid: Txid, vout: number): Promise<boolean> {
    return isThere(await this.bitcoind.call('gettxout', txid, vout, false));
  }

  /** A block's raw hex; undefined where bitcoind has it not: pruned, or unknown to it. */
  async rawBlock(hash: BlockHash): Promise<string | undefined> {
    const answer = await this.#orRefused('getblock', hash, 0);
    return answer === undefined ? undefined : understood('getblock', () => blockOf(hash, answer));
  }

  async #send(rawTx: string): Promise<Refusal | undefined> {
    const refused = await this.#sends.send(rawTx);
    if (!refused) return undefined;
    const { rpcCode } = refused;
    const token = rpcCode === RPC.rejected ? await this.#rejectToken(rawTx) : undefined;
    return token === undefined ? { rpcCode } : { rpcCode, token };
  }

  /** Why the mempool does not take it; undefined if by now it would. */
  async #rejectToken(rawTx: string): Promise<string | undefined> {
    const answer = await this.bitcoind.call('testmempoolaccept', [rawTx], ANY_FEE);
    const [test] = understood('testmempoolaccept', () => TestMempoolAccept.parse(answer));
    const reason = test['reject-reason'];
    return reason === undefined ? undefined : tokenOf(reason);
  }

  async #passesAsPackage(rawTxs: readonly string[]): Promise<boolean> {
    const answer = await this.#orRefused('submitpackage', rawTxs, ANY_FEE, ANY_BURN);
    return SubmitPackage.safeParse(answer).data?.package_msg === 'success';
  }

  /**
   * The rule of consensus that a transaction breaks for ever: found by proposing a block that holds it, after one that
   * holds only its parents. Undefined if it breaks none, or bitcoind cannot tell (no peers, still syncing, a new tip).
   */
  async #brokenRule(rawTx: string, parents: readonly string[]): Promise<string | undefined> {
    if ((await this.#judge(parents)) !== null) return undefined;
    const reason = await this.#judge([...parents, rawTx]);
    const token = typeof reason === 'string' ? tokenOf(reason) : '';
    return isInvalidForEver(token) ? token : undefined;
  }

  /** What is wrong with a next block of these transactions: null if nothing is, undefined if bitcoind cannot tell. */
  async #judge(rawTxs: readonly string[]): Promise<unknown> {
    const rules = ['segwit', 'signet'];
    const template = BlockTemplate.safeParse(await this.#orRefused('getblocktemplate', { rules }));
    if (!template.success) return undefined;
    const data = blockProposal(template.data, rawTxs);
    return this.#orRefused('getblocktemplate', { mode: 'proposal', data, rules });
  }

  /** The answer to a call, or undefined if bitcoind refuses it. */
  async #orRefused(method: string, ...params: unknown[]): Promise<unknown> {
    try {
      return await this.bitcoind.call(method, ...params);
    } catch (error) {
      if (error instanceof BitcoindRefused) return undefined;
      throw error;
    }
  }
}

/** What the Carrier needs of bitcoind: calls that reject with the classes of `rpc-errors.ts`. */
export type CarrierBitcoind = SendingBitcoind;

/** RPC_INVALID_ADDRESS_OR_KEY: it does not know the block, or has no such transaction. RPC_MISC_ERROR: it has only the block's header. */
const NOT_THERE = new Set([-5, -1]);

const TestMempoolAccept = z.tuple([z.object({ 'reject-reason': z.string().optional() })]);
const SubmitPackage = z.object({ package_msg: z.string() });

const TxOut = z.looseObject({ bestblock: z.string() }).nullable();
const isThere = (answer: unknown): boolean => understood('gettxout', () => TxOut.parse(answer)) !== null;

/** The raw hex of a transaction, if it is that one. */
function transactionOf(txid: Txid, answer: unknown): string {
  const raw = z.string().parse(answer);
  if (Transaction.fromHex(raw).getId() !== txid)
    throw new TypeError(`asked for transaction ${txid}, bitcoind gave another`);
  return raw;
}

/** The raw hex of a block, if its header is that one's. */
function blockOf(hash: BlockHash, answer: unknown): string {
  const raw = z.string().refine(isHex).parse(answer);
  const header = fromHex(raw.slice(0, 160));
  if (toHex(reversed(sha256(sha256(header)))) !== hash)
    throw new TypeError(`asked for block ${hash}, bitcoind gave another`);
  return raw;
}
