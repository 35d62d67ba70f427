import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { brokenPromises } from './run-story.js';
import { stories } from './stories.js';

/**
 * The tower's own actors in a world made up at random, and all its promises checked at the end of each story.
 *
 * `ARGUS_MODEL_RUNS` and `ARGUS_MODEL_SEED` change how many stories, and which. What a failure prints goes to
 * `counter-examples.ts`, so that it is told again for ever.
 */
const numRuns = Number(process.env.ARGUS_MODEL_RUNS ?? 10_000);
const seed = Number(process.env.ARGUS_MODEL_SEED ?? 20_260_101);

test(`the tower keeps its promises in ${numRuns} stories (seed ${seed})`, { timeout: 1_800_000 }, async (t) => {
  const began = performance.now();
  await fc.assert(
    fc.asyncProperty(stories, async (story) => assert.deepEqual(await brokenPromises(story), [])),
    { numRuns, seed, endOnFailure: false },
  );
  t.diagnostic(`seed ${seed}: ${numRuns} stories, ${((performance.now() - began) / numRuns).toFixed(1)} ms each`);
});
