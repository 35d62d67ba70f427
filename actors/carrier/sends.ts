import { Txid } from '../../events/ids.js';
import { BitcoindRefused, understood } from '../bitcoind/rpc-errors.js';

/** What sending needs of bitcoind: calls that reject with the classes of `rpc-errors.ts`. */
export interface SendingBitcoind {
  call(method: string, ...params: unknown[]): Promise<unknown>;
  /** Many calls of one method at once; one that is refused gives its `BitcoindRefused`. */
  callMany(method: string, calls: readonly (readonly unknown[])[]): Promise<unknown[]>;
}

/** bitcoind's own safety limits, on fees per kvB and on burnt coins, in BTC: they guard wallets, not penalties. */
export const ANY_FEE = 0;
export const ANY_BURN = 21_000_000;

/** Transactions to a request: bitcoind takes them one after another, and answers when it is done with all. */
const AT_ONCE = 20;
const METHOD = 'sendrawtransaction';

interface Waiting {
  readonly rawTx: string;
  readonly resolve: (refusal: BitcoindRefused | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Hands transactions to bitcoind's mempool. Those that come in one turn of the event loop, such as the penalties of a block,
 * go in one request; whoever comes alone does not wait for others.
 */
export class Sends {
  #waiting: Waiting[] = [];
  #underWay = 0;
  readonly #idle: (() => void)[] = [];

  constructor(private readonly bitcoind: SendingBitcoind) {}

  /** Sends a raw transaction (hex); gives the refusal, if it is one. Rejects while bitcoind is away. */
  send(rawTx: string): Promise<BitcoindRefused | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ rawTx, resolve, reject }) === 1) setImmediate(() => this.#flush());
    });
  }

  /** Resolves when nothing is being sent: for questions that can wait until bitcoind has all penalties. */
  async idle(): Promise<void> {
    while (this.#waiting.length + this.#underWay > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < waiting.length; at += AT_ONCE) void this.#sendTogether(waiting.slice(at, at + AT_ONCE));
  }

  async #sendTogether(sends: readonly Waiting[]): Promise<void> {
    this.#underWay++;
    try {
      const answers = await this.#ask(sends.map(({ rawTx }) => rawTx));
      for (const [i, { resolve }] of sends.entries()) resolve(answers[i]);
    } catch (error) {
      for (const { reject } of sends) reject(error);
    } finally {
      this.#underWay--;
      if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  async #ask(rawTxs: readonly string[]): Promise<(BitcoindRefused | undefined)[]> {
    const calls = rawTxs.map((rawTx) => [rawTx, ANY_FEE, ANY_BURN] as const);
    const [first] = calls;
    if (first && calls.length === 1) return [await this.bitcoind.call(METHOD, ...first).then(noRefusal, refusalOf)];
    const answers = await this.bitcoind.callMany(METHOD, calls);
    return answers.map((answer) => (answer instanceof BitcoindRefused ? answer : noRefusal(answer)));
  }
}

/** It was sent only if bitcoind gives its id. */
function noRefusal(answer: unknown): undefined {
  understood(METHOD, () => Txid.parse(answer));
}

function refusalOf(error: unknown): BitcoindRefused {
  if (error instanceof BitcoindRefused) return error;
  throw error;
}
