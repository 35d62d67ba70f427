import { Transaction } from 'bitcoinjs-lib';
import { openPenalty } from '../../events/schemes/penalty.js';
import { teosInternal } from '../../events/schemes/teos-internal.js';

/** Until the engine has compiled what it does: some 20 ms of a node's start. */
const ROUNDS_AT_START = 300;
const ROUNDS = 4;
/** Blocks that come together, as when bitcoind catches up, are one occasion. In ms. */
const PAUSE_MS = 1_000;

const DISPUTE = new Uint8Array(32).fill(1);

/**
 * Practice in what a breach needs and nothing else does: a blob is opened, and the penalty in it read.
 *
 * Months may lie between two breaches. By then the engine would read this code line by line, and the processor would have to
 * fetch it from memory, while penalties wait. So a node practises as it starts, and whenever a block was announced, for a
 * quarter of a millisecond in which bitcoind reads that block and the node would only wait.
 */
export class Drill {
  readonly #blob = teosInternal.seal(examplePenalty(), DISPUTE);
  #last = Number.NEGATIVE_INFINITY;

  /** As a node starts. */
  begin(): void {
    this.#practise(ROUNDS_AT_START);
  }

  /** A block was announced; bitcoind is reading it. */
  practise(): void {
    const now = performance.now();
    if (now - this.#last < PAUSE_MS) return;
    this.#last = now;
    this.#practise(ROUNDS);
  }

  #practise(rounds: number): void {
    for (let i = 0; i < rounds; i++)
      if (!openPenalty(teosInternal, this.#blob, DISPUTE)) throw new TypeError('the example is no penalty');
  }
}

/** What a penalty looks like: two inputs with their witnesses, one output. Nobody can send it. */
function examplePenalty(): Uint8Array {
  const tx = new Transaction();
  tx.version = 2;
  for (const vout of [0, 1]) {
    tx.addInput(DISPUTE, vout);
    tx.setWitness(vout, [new Uint8Array(71), Uint8Array.of(1), new Uint8Array(77)]);
  }
  tx.addOutput(new Uint8Array(22), 1_000n);
  return tx.toBuffer();
}
