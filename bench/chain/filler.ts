import { opcodes, payments, script, Transaction } from 'bitcoinjs-lib';
import type { Coin, RegtestChain } from '../../cli/servers/regtest-chain.js';
import { outputOf } from '../../cli/servers/regtest-key.js';
import { fromHex, reversed } from '../../events/bytes.js';
import { Txid } from '../../events/ids.js';

const ANYONE = script.compile([opcodes.OP_TRUE as number]);
const PAYS_ANYONE = outputOf(payments.p2wsh({ redeem: { output: ANYONE } }));
const FEE = 200n;
/** Coins made in one go: bitcoind keeps no more than 101 kvB of transactions that spend one another unconfirmed. */
const AT_ONCE = 1_000;

/** The other transactions of a block, which have nothing to do with the tower: each spends one of the block before. */
export class Filler {
  #coins: readonly Coin[];

  /** Funds so many transactions a block, for thousands of blocks. */
  static async fund(chain: RegtestChain, count: number): Promise<Filler> {
    const coins: Coin[] = [];
    while (coins.length < count) {
      const scripts = new Array<Uint8Array>(Math.min(AT_ONCE, count - coins.length)).fill(PAYS_ANYONE);
      coins.push(...(await chain.fund(scripts, 2_000_000n)));
    }
    return new Filler(coins);
  }

  private constructor(coins: readonly Coin[]) {
    this.#coins = coins;
  }

  /** The next block's: raw hex, each as large as a plain payment without its signature. */
  next(): string[] {
    const transactions = this.#coins.map(({ txid, vout, sat }) => {
      const tx = new Transaction();
      tx.version = 2;
      tx.addInput(reversed(fromHex(txid)), vout);
      tx.setWitness(0, [ANYONE]);
      tx.addOutput(PAYS_ANYONE, sat - FEE);
      return tx;
    });
    this.#coins = transactions.map((tx, i) => ({
      txid: Txid.parse(tx.getId()),
      vout: 0,
      sat: (this.#coins[i]?.sat ?? 0n) - FEE,
      script: PAYS_ANYONE,
    }));
    return transactions.map((tx) => tx.toHex());
  }
}
