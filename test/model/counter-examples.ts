import type { Story } from './commands.js';

/** Stories in which the tower once broke a promise, shrunk to what it took: told again for ever. */
export const counterExamples: Readonly<Record<string, Story>> = {
  'an appointment appended after its subscription was over is not ended before it met the blocks of its time': {
    setting: { nodes: 1, seed: 0, duration: 8 },
    commands: [
      { do: 'cheat', channel: 0, version: 0, node: 0 },
      { do: 'mine', node: 0, blocks: 3, take: 255 },
      { do: 'run', steps: 1, node: undefined },
      { do: 'log', is: 'away' },
      { do: 'mine', node: 0, blocks: 1, take: 255 },
      { do: 'run', steps: 10, node: undefined },
      { do: 'add', user: 0, node: 0, channel: 0, version: 0, variant: 0 },
      { do: 'settle' },
      { do: 'mine', node: 0, blocks: 7, take: 255 },
      { do: 'settle' },
    ],
  },
  'a breach in a block after the end of its appointment takes nothing from the number of those watched': {
    setting: { nodes: 1, seed: 0, duration: 8 },
    commands: [
      { do: 'add', user: 0, node: 0, channel: 0, version: 0, variant: 0 },
      { do: 'settle' },
      { do: 'mine', node: 0, blocks: 11, take: 255 },
      { do: 'cheat', channel: 0, version: 0, node: 0 },
      { do: 'mine', node: 0, blocks: 1, take: 255 },
      { do: 'mine', node: 0, blocks: 1, take: 255 },
      { do: 'settle' },
    ],
  },
  'an appointment appended blocks after it was decided meets the blocks of its time also after every node crashed': {
    setting: { nodes: 2, seed: 1, duration: 40 },
    commands: [
      { do: 'add', user: 0, node: 1, channel: 0, version: 0, variant: 0 },
      { do: 'run', steps: 1, node: 1 },
      { do: 'crash', node: 1, losing: false },
      { do: 'cheat', channel: 0, version: 0, node: 0 },
      { do: 'mine', node: 0, blocks: 8, take: 255 },
      { do: 'run', steps: 300, node: 0 },
      { do: 'mine', node: 0, blocks: 1, take: 255 },
      { do: 'run', steps: 300, node: 0 },
      { do: 'run', steps: 1, node: 1 },
      { do: 'crash', node: 0, losing: true },
    ],
  },
};
