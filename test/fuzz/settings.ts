import { Chance } from '../model/chance.js';

/** What a longer run, or one with other numbers, is told by the environment (docs/security.md). */

/** The seed of all that looks random here: the same one makes the same requests. */
export const SEED = Number(process.env.ARGUS_FUZZ_SEED ?? 20_261_127);

/** Requests to each door that a request costs little at. */
export const REQUESTS = Number(process.env.ARGUS_FUZZ_REQUESTS ?? 100_000);

/** So many in a hundred thousand: of what costs a process, a block or a restart, fewer are made. */
export const inProportion = (ofHundredThousand: number): number =>
  Math.max(1, Math.round((ofHundredThousand * REQUESTS) / 100_000));

/** Chance of its own for each place, so that none depends on what another drew. */
export const chanceOf = (place: number): Chance => new Chance(SEED + 1_000_003 * place);

/** One of some. */
export function oneOf<T>(chance: Chance, choices: readonly T[]): T {
  const chosen = choices[chance.below(choices.length)];
  if (chosen === undefined) throw new TypeError('nothing to choose from');
  return chosen;
}
