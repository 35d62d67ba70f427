import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { brokenPromises } from './run-story.js';
import { stories } from './stories.js';

/**
 * Tells stories at random of a tower of so many nodes: the tower's own actors in a made-up world, and all its promises
 * checked at the end of each.
 *
 * `ARGUS_MODEL_RUNS` and `ARGUS_MODEL_SEED` change how many stories there are in all, and which. The story that a failure
 * prints, as short as it was found, goes to `counter-examples.ts`, so that it is told again for ever.
 */
export function tellStories(nodes: 1 | 2): void {
  const numRuns = Math.ceil(Number(process.env.ARGUS_MODEL_RUNS ?? 700) / 2);
  const seed = Number(process.env.ARGUS_MODEL_SEED ?? 20_260_101);
  const of = nodes === 1 ? 'one node' : 'two nodes';
  test(`a tower of ${of} keeps its promises in ${numRuns} stories, seed ${seed}`, async (t) => {
    const began = process.cpuUsage();
    await fc.assert(
      fc.asyncProperty(stories(nodes), async (story) => assert.deepEqual(await brokenPromises(story), [])),
      { numRuns, seed, includeErrorInReport: true },
    );
    const { user, system } = process.cpuUsage(began);
    t.diagnostic(`seed ${seed}: ${((user + system) / 1000 / numRuns).toFixed(1)} ms of processor time a story`);
  });
}
