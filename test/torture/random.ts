import assert from 'node:assert/strict';

/** Numbers that look random and are the same for the same seed (mulberry32). Each actor of a run has a source of its own. */
export class Random {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed | 0;
  }

  /** Another source, the same for the same seed and name. */
  of(name: string): Random {
    let hash = this.seed | 0;
    for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
    return new Random(hash);
  }

  /** A number from 0 to below 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let x = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.fraction() * n);
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  oneOf<T>(things: readonly T[]): T {
    return things[this.below(things.length)] ?? assert.fail('nothing to choose from');
  }

  /** A name, each as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): Name {
    const names = Object.keys(weights) as Name[];
    let at = this.fraction() * names.reduce((sum, name) => sum + (weights[name] ?? 0), 0);
    for (const name of names) {
      at -= weights[name] ?? 0;
      if (at < 0) return name;
    }
    return names.at(-1) ?? assert.fail('nothing to choose from');
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }

  /** Takes one out of a list; undefined if it is empty. */
  takeFrom<T>(things: T[]): T | undefined {
    return things.length > 0 ? things.splice(this.below(things.length), 1)[0] : undefined;
  }
}
