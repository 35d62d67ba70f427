import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { counterExamples } from './counter-examples.js';
import { brokenPromises } from './run-story.js';

describe('a story that once went wrong', () => {
  for (const [what, story] of Object.entries(counterExamples))
    test(what, async () => assert.deepEqual(await brokenPromises(story), []));
});
