import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';
import { packageRoot } from '../../actors/package-root.js';
import { LookUp } from '../../bench/measure/look-up.js';

/**
 * A guard against what makes the tower grow slow: the figures of the benchmark, small, and by their ratios to what bounds
 * them in the same run. The margins are wide, since the machine is shared, and a figure that is beyond its margin is
 * measured again: only what is so three times is believed.
 */
const TRIES = 3;
const APPOINTMENTS = 500_000;

const Line = z.looseObject({ name: z.string(), ratio: z.number(), errors: z.literal(0) });

async function ratioOf(figure: string, flags: readonly string[]): Promise<number> {
  const bench = join(packageRoot, 'dist', 'bench', 'main.js');
  const { stdout } = await promisify(execFile)(process.execPath, [bench, '--only', figure, ...flags]);
  return Line.parse(JSON.parse(stdout)).ratio;
}

/** The figures of which more is better have a least ratio, the others a most. */
const guarded: readonly (readonly [string, { readonly least?: number; readonly most?: number }, readonly string[]])[] =
  [
    ['ingest', { least: 0.15 }, ['--seconds', '1']],
    ['ingest-one-user', { most: 4 }, ['--seconds', '4']],
    ['breach-growth', { most: 2.5 }, ['--most', '2000', '--rounds', '3']],
  ];

for (const [figure, { least = 0, most = Number.POSITIVE_INFINITY }, flags] of guarded)
  test(`${figure} is within its margin`, async (t) => {
    const ratios: number[] = [];
    while (ratios.length < TRIES) {
      const ratio = await ratioOf(figure, flags);
      ratios.push(ratio);
      if (least <= ratio && ratio <= most) break;
    }
    t.diagnostic(`${figure}: ${ratios.join(', ')}`);
    const last = ratios.at(-1) ?? Number.NaN;
    assert.ok(least <= last && last <= most, `${TRIES} times beyond ${least} to ${most}: ${ratios.join(', ')}`);
  });

test('an appointment takes 32 bytes of memory at the most, and a block is looked up as fast among many', (t) => {
  const lookUp = new LookUp();
  const before = memoryOfArrays();
  const took = [1_000, APPOINTMENTS].map((size) => {
    lookUp.growTo(size);
    return Math.min(...Array.from({ length: TRIES }, () => lookUp.measure()));
  });
  const bytes = (memoryOfArrays() - before) / APPOINTMENTS;
  const [small = 0, large = 0] = took;
  t.diagnostic(`a block of 4,000 transactions: ${took.join(' and ')} ms; ${bytes} bytes each`);
  assert.ok(bytes <= 32);
  // A table that fits the processor's cache is faster than one that does not, whatever its algorithm.
  assert.ok(large < 12 * small);
});

/** In bytes, when what nobody holds any more is gone. */
function memoryOfArrays(): number {
  setFlagsFromString('--expose-gc');
  // What one collection finds to be finalised, another frees.
  for (let i = 0; i < 3; i++) runInNewContext('gc')();
  return process.memoryUsage().arrayBuffers;
}
