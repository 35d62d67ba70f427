import fc from 'fast-check';
import type { Command, Setting, Story } from './commands.js';
import { CHANNELS, VARIANTS, VERSIONS } from './transactions.js';

/** Stories at random. What leads to trouble is made often: few channels, few users, breaches right beside appointments. */

const node = fc.constantFrom(0, 0, 1);
const user = fc.constantFrom(0, 0, 1);
const channel = fc.constantFrom(0, 0, CHANNELS - 1);
const version = fc.constantFrom(0, 0, 0, VERSIONS - 1);
const dialect = fc.constantFrom('rust' as const, 'python' as const);
/** Mostly all of the mempool. */
const take = fc.oneof({ weight: 3, arbitrary: fc.constant(255) }, { weight: 1, arbitrary: fc.nat(255) });
const variant = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat(VARIANTS - 1) });

const is = <D extends Command['do']>(name: D) => fc.constant(name);

const register = fc.record({ do: is('register'), user, node, dialect });
const add = fc.record({ do: is('add'), user, node, channel, version, variant });
const remove = fc.record({ do: is('delete'), user, node, channel, version, named: fc.boolean() });
const cheat = fc.record({ do: is('cheat'), channel, version, node });
const sweep = fc.record({ do: is('sweep'), channel, version, node });
const claim = fc.record({ do: is('claim'), channel, version, variant: fc.nat(1), node });
const mine = fc.record({ do: is('mine'), node, blocks: fc.constantFrom(1, 1, 1, 1, 2, 3, 7), take });
const fork = fc.record({
  do: is('fork'),
  node,
  depth: fc.integer({ min: 1, max: 9 }),
  blocks: fc.integer({ min: 1, max: 4 }),
  work: fc.constantFrom(1, 2, 4, 20),
  take,
});
const mineSix = fc.record({ do: is('mine'), node, blocks: fc.constant(6), take });
/** To fewer blocks with more work: then blocks are recent again that were not. */
const forkLower = fc.record({
  do: is('fork'),
  node,
  depth: fc.integer({ min: 2, max: 6 }),
  blocks: fc.constant(1),
  work: fc.constant(20),
  take,
});
const goBack = fc.record({ do: is('return'), node });
const relay = fc.record({ do: is('relay'), from: fc.nat(1) });
const run = fc.record({
  do: is('run'),
  steps: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 10, max: 60 })),
  node: fc.constantFrom(undefined, undefined, 0, 1),
});
const settle = fc.record({ do: is('settle') });
const timer = fc.record({ do: is('timer') });
const crash = fc.record({ do: is('crash'), node, losing: fc.boolean() });
const start = fc.record({ do: is('start'), node });
const bitcoind = fc.record({
  do: is('bitcoind'),
  node,
  is: fc.constantFrom(
    'away',
    'back',
    'back',
    'slow',
    'quick',
    'restarted',
    'choosy',
    'modest',
    'obscure',
    'plain',
    'pruned',
    'whole',
  ),
});
const log = fc.record({
  do: is('log'),
  is: fc.constantFrom('away', 'back', 'back', 'losing acks', 'repeating', 'forgetful'),
});
const wait = fc.record({ do: is('wait') });

const prune = fc.record({ do: is('bitcoind'), node, is: fc.constant('pruned' as const) });
const restart = (of: number) =>
  fc.record({ do: is('bitcoind'), node: fc.constant(of), is: fc.constant('restarted' as const) });
const forget = fc.record({ do: is('log'), is: fc.constant('forgetful' as const) });

const weighted = (...of: [number, fc.Arbitrary<Command>][]): fc.Arbitrary<Command> =>
  fc.oneof(...of.map(([weight, arbitrary]) => ({ weight, arbitrary })));

const anything = weighted(
  [2, register],
  [8, add],
  [2, remove],
  [4, cheat],
  [1, sweep],
  [1, claim],
  [7, mine],
  [4, fork],
  [1, goBack],
  [3, relay],
  [12, run],
  [6, settle],
  [2, timer],
  [2, crash],
  [3, start],
  [3, bitcoind],
  [2, log],
  [1, wait],
);
const pause = weighted([3, run], [2, settle]);

/** What takes several things in a row, which chance alone seldom brings together. */
const scenes: fc.Arbitrary<Command[]> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(anything) },
  { weight: 2, arbitrary: fc.tuple(cheat, mine, pause) },
  { weight: 2, arbitrary: fc.tuple(add, pause) },
  { weight: 1, arbitrary: fc.tuple(add, run, crash, start) },
  { weight: 1, arbitrary: fc.tuple(add, settle, remove, pause, add, pause) },
  { weight: 1, arbitrary: fc.tuple(add, settle, cheat, mine, remove, run) },
  { weight: 1, arbitrary: fc.tuple(settle, fork, pause) },
  { weight: 1, arbitrary: fc.tuple(settle, fork, relay, restart(0), restart(1), pause) },
  { weight: 1, arbitrary: fc.tuple(cheat, mine, mineSix, settle, forkLower, settle, add, pause) },
  { weight: 1, arbitrary: fc.tuple(add, settle, cheat, pause, restart(0), restart(1), pause) },
  { weight: 1, arbitrary: fc.tuple(mine, run, crash, pause, start) },
  { weight: 1, arbitrary: fc.tuple(crash, cheat, mine, mine, prune, forget, start, pause) },
  { weight: 1, arbitrary: fc.tuple(add, run, wait, mine, run) },
);

const setting = (nodes: Setting['nodes']): fc.Arbitrary<Setting> =>
  fc.record({
    nodes: fc.constant(nodes),
    seed: fc.nat(),
    duration: fc.constantFrom(8, 25, 500),
    seesMempool: fc.boolean(),
  });

/** Stories of a tower of so many nodes. */
export const stories = (nodes: Setting['nodes']): fc.Arbitrary<Story> =>
  fc.record({
    setting: setting(nodes),
    commands: fc.array(scenes, { minLength: 1, maxLength: 25, size: 'max' }).map((all) => all.flat()),
  });
