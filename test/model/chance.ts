/** Numbers that look random and are the same for the same seed (mulberry32), so that a run can be had again. */
export class Chance {
  constructor(private seed: number) {}

  /** A whole number from 0, below `bound`. */
  below(bound: number): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * bound);
  }

  oneIn(many: number): boolean {
    return this.below(many) === 0;
  }
}
