import type { Dialect } from '../../events/signing/receipts.js';

/** Everything that may happen in the model's world, as data: a run is a list of these. */
export type Command =
  /** A client registers, or renews. */
  | { do: 'register'; user: number; node: number; dialect: Dialect }
  /** A client adds an appointment, sends one again, or another version of it. */
  | { do: 'add'; user: number; node: number; channel: number; version: number; variant: number }
  /** A client has an appointment deleted; it names the last receipt that it got for it, or none. */
  | { do: 'delete'; user: number; node: number; channel: number; version: number; named: boolean }
  /** A revoked commitment comes to a mempool. */
  | { do: 'cheat'; channel: number; version: number; node: number }
  /** The cheater spends its loot. */
  | { do: 'sweep'; channel: number; version: number; node: number }
  /** Somebody else, who knows it too, sends a penalty. */
  | { do: 'claim'; channel: number; version: number; variant: number; node: number }
  /** Blocks on a bitcoind's tip; the first holds those of its mempool whose bit is set. */
  | { do: 'mine'; node: number; blocks: number; take: number }
  /** A branch from some blocks below the tip; each of its blocks has so much work, where a usual one has 2. */
  | { do: 'fork'; node: number; depth: number; blocks: number; work: number; take: number }
  /** The branch that a bitcoind left last wins after all. */
  | { do: 'return'; node: number }
  /** The other bitcoind hears of everything that this one knows. */
  | { do: 'relay'; from: number }
  /** So many steps of one node, or of all. */
  | { do: 'run'; steps: number; node: number | undefined }
  /** Everything under way comes to its end, in any order. */
  | { do: 'settle' }
  /** The timer that is due first goes off. */
  | { do: 'timer' }
  /** A node dies at once. What it sent last arrives, or does not. */
  | { do: 'crash'; node: number; losing: boolean }
  | { do: 'start'; node: number }
  | {
      do: 'bitcoind';
      node: number;
      is:
        | 'away'
        | 'back'
        | 'slow'
        | 'quick'
        | 'restarted'
        | 'choosy'
        | 'modest'
        | 'obscure'
        | 'plain'
        | 'pruned'
        | 'whole';
    }
  /** `forgetful`: the txids of all blocks are older than they are kept. */
  | { do: 'log'; is: 'away' | 'back' | 'losing acks' | 'repeating' | 'forgetful' | 'sound' }
  /** A quarter of an hour passes: more than a blob is left alone. */
  | { do: 'wait' };

export interface Setting {
  readonly nodes: 1 | 2;
  /** Of all that is left to chance while running. */
  readonly seed: number;
  /** Blocks that a registration lasts. */
  readonly duration: number;
  /** Whether nodes watch their bitcoind's mempool; left out: no. */
  readonly seesMempool?: boolean;
}

export interface Story {
  readonly setting: Setting;
  readonly commands: readonly Command[];
}
