import { address, networks, Transaction } from 'bitcoinjs-lib';
import { z } from 'zod';
import type { BitcoindRpc } from '../../actors/bitcoind/rpc.js';
import { fromHex, reversed } from '../../events/bytes.js';
import { BlockHash, Height, Txid } from '../../events/ids.js';
import { type RegtestKey, regtestKey, signP2wpkh } from './regtest-key.js';

/** An unspent output: which one, what it holds in satoshis, and its output script. */
export interface Coin {
  readonly txid: Txid;
  readonly vout: number;
  readonly sat: bigint;
  readonly script: Uint8Array;
}

/** At most so many outputs are paid by one transaction; bitcoind relays none above 400,000 weight units. */
const OUTPUTS_PER_TX = 1_000;
/** A coinbase may be spent in the 101st block. */
const MATURITY = 100;
const FEE_RATE = 10n;

/** A regtest chain at our command: it mines, pays and forks. Needs no wallet: it pays with coinbases of its own. */
export class RegtestChain {
  readonly #rpc: BitcoindRpc;
  /** Coins to pay with, and the key of each. */
  readonly #purse: { readonly coin: Coin; readonly key: RegtestKey }[] = [];

  constructor(rpc: BitcoindRpc) {
    this.#rpc = rpc;
  }

  /**
   * Mines `count` blocks with what is in the mempool; gives their hashes. Without `to`, an address, each call pays a
   * new key, so that a block that replaces an invalidated one never is that same block again.
   */
  async mine(count = 1, options: { readonly to?: string } = {}): Promise<BlockHash[]> {
    const to = options.to ?? addressOf(regtestKey().p2wpkh);
    return z.array(BlockHash).parse(await this.#rpc.call('generatetoaddress', count, to));
  }

  /** Mines one block with just these transactions (raw hex, or txids of the mempool), in this order; none unless told. */
  async mineOnly(transactions: readonly string[] = []): Promise<BlockHash> {
    const to = addressOf(regtestKey().p2wpkh);
    const answer = await this.#rpc.call('generateblock', to, transactions);
    return z.object({ hash: BlockHash }).parse(answer).hash;
  }

  /** The height of the tip. */
  async height(): Promise<Height> {
    return Height.parse(await this.#rpc.call('getblockcount'));
  }

  /** The hash of the tip. */
  async tip(): Promise<BlockHash> {
    return BlockHash.parse(await this.#rpc.call('getbestblockhash'));
  }

  /** Makes bitcoind leave a block and all that follow it, as if they were invalid. */
  async invalidate(block: BlockHash): Promise<void> {
    await this.#rpc.call('invalidateblock', block);
  }

  /** Takes an `invalidate` back. */
  async reconsider(block: BlockHash): Promise<void> {
    await this.#rpc.call('reconsiderblock', block);
  }

  /** Puts a transaction into the mempool. */
  async send(rawTx: string): Promise<Txid> {
    return Txid.parse(await this.#rpc.call('sendrawtransaction', rawTx, 0));
  }

  /** Pays `sat` to each of the scripts, in as few transactions as it takes, and mines them; the coins are in the order of the scripts. */
  async fund(scripts: readonly Uint8Array[], sat: bigint): Promise<Coin[]> {
    const coins: Coin[] = [];
    for (let at = 0; at < scripts.length; at += OUTPUTS_PER_TX)
      coins.push(...(await this.#pay(scripts.slice(at, at + OUTPUTS_PER_TX), sat)));
    await this.mine();
    return coins;
  }

  async #pay(scripts: readonly Uint8Array[], sat: bigint): Promise<Coin[]> {
    const outputs = sat * BigInt(scripts.length);
    const spend = await this.#gather(outputs + FEE_RATE * BigInt(200 + 50 * scripts.length));
    const have = spend.reduce((sum, { coin }) => sum + coin.sat, 0n);
    const tx = new Transaction();
    tx.version = 2;
    for (const { coin } of spend) tx.addInput(reversed(fromHex(coin.txid)), coin.vout);
    for (const script of scripts) tx.addOutput(script, sat);
    const fee = FEE_RATE * BigInt(tx.virtualSize() + 40 + 30 * spend.length); // change, and a witness for each input
    const change = { key: regtestKey(), sat: have - outputs - fee };
    tx.addOutput(change.key.p2wpkh, change.sat);
    for (const [i, { coin, key }] of spend.entries()) signP2wpkh(tx, i, key, coin.sat);
    const txid = await this.send(tx.toHex());
    const coin = { txid, vout: scripts.length, sat: change.sat, script: change.key.p2wpkh };
    this.#purse.unshift({ coin, key: change.key });
    return scripts.map((script, vout) => ({ txid, vout, sat, script }));
  }

  /** Takes coins that are worth `sat` together out of the purse, and mines new ones when it holds too little. */
  async #gather(sat: bigint) {
    const taken: { coin: Coin; key: RegtestKey }[] = [];
    for (let sum = 0n; sum < sat; ) {
      const next = this.#purse.shift();
      if (!next) await this.#mint();
      else if ((await this.#rpc.call('gettxout', next.coin.txid, next.coin.vout)) !== null) {
        taken.push(next);
        sum += next.coin.sat;
      } // else a fork took it
    }
    return taken;
  }

  /** Mines four coinbases of our own, and as many blocks more as it takes until they may be spent. */
  async #mint(): Promise<void> {
    const key = regtestKey();
    const blocks = await this.mine(4, { to: addressOf(key.p2wpkh) });
    await this.mine(MATURITY);
    for (const block of blocks) this.#purse.push({ coin: await this.#coinbaseOf(block), key });
  }

  async #coinbaseOf(block: BlockHash): Promise<Coin> {
    const Block = z.object({ tx: z.array(z.object({ hex: z.string() })).min(1) });
    const { tx } = Block.parse(await this.#rpc.call('getblock', block, 2));
    const coinbase = Transaction.fromHex(tx[0]?.hex ?? '');
    const { value = 0n, script = new Uint8Array() } = coinbase.outs[0] ?? {};
    return { txid: Txid.parse(coinbase.getId()), vout: 0, sat: value, script };
  }
}

/** The regtest address of an output script. */
export const addressOf = (script: Uint8Array): string => address.fromOutputScript(script, networks.regtest);
