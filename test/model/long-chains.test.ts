import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from './commands.js';
import { brokenPromises } from './run-story.js';

/** More blocks than a story at random has, so that a node needs several commits for them: others come in between. */
const commands: Command[] = [
  { do: 'add', user: 0, node: 0, channel: 0, version: 0, variant: 0 },
  { do: 'settle' },
  { do: 'bitcoind', node: 0, is: 'slow' },
  { do: 'bitcoind', node: 1, is: 'slow' },
  { do: 'mine', node: 0, blocks: 250, take: 255 },
  { do: 'cheat', channel: 0, version: 0, node: 0 },
  { do: 'mine', node: 0, blocks: 250, take: 255 },
  { do: 'relay', from: 0 },
  { do: 'bitcoind', node: 0, is: 'quick' },
  { do: 'bitcoind', node: 1, is: 'quick' },
  { do: 'settle' },
  { do: 'fork', node: 0, depth: 300, blocks: 4, work: 400, take: 0 },
  { do: 'settle' },
];

for (let seed = 0; seed < 10; seed++)
  test(`two nodes that catch up with hundreds of blocks at once agree on them, seed ${seed}`, async () => {
    assert.deepEqual(await brokenPromises({ setting: { nodes: 2, seed, duration: 1000 }, commands }), []);
  });
