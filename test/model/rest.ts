import { QUARTER, relay } from './happenings.js';
import { BURIED, TERMS } from './model-node.js';
import type { World } from './world.js';

/** Brings the world to rest: everything is well again, and blocks come until every penalty is buried. */

const MOST_TIMERS = 10_000;

export async function bringToRest(world: World): Promise<void> {
  const { steps } = world;
  Object.assign(steps, { atOnce: true, logAway: false, lostAcks: 0, repeats: 0 });
  for (const wire of world.wires) wire.bitcoindIsSlow = false;
  for (const bitcoind of world.bitcoinds)
    Object.assign(bitcoind, { isAway: false, isChoosy: false, isObscure: false, pruned: new Set() });
  for (let node = 0; node < world.setting.nodes; node++) world.start(node);
  await calm(world);
  await mineEverywhere(world, 1);
  await mineEverywhere(world, 1);
  await mineWithStops(world, EXPIRED);
  world.time.pass(QUARTER);
  // Twice: an output that somebody else spent is given up a hundred blocks after the refusal.
  for (let again = 0; again < 2 && hasTrackers(world); again++) {
    await mineWithStops(world, BURIED);
    await mineEverywhere(world, 1);
  }
  await mineEverywhere(world, 1);
}

/** Blocks after which the subscriptions of a story are over. */
const EXPIRED = 28;

const hasTrackers = ({ nodes }: World): boolean => (nodes[0]?.shard?.fold.state.counts.trackers ?? 0) > 0;

/** So many blocks, with a stop right before each height at which something is due, and at it: there it must be done. */
async function mineWithStops(world: World, blocks: number): Promise<void> {
  const { tip } = world.bitcoind(0);
  for (let height: number = tip.height; height < tip.height + blocks; ) {
    const stops = dueHeights(world).flatMap(({ at }) => [at - 1, at]);
    const next = Math.min(tip.height + blocks, ...stops.filter((stop) => stop > height));
    await mineEverywhere(world, next - height);
    height = next;
    for (const { what, at } of dueHeights(world)) if (at <= height) world.failures.push(`${what} was due at ${at}`);
  }
}

/** What is still to be done at some height: the ends of subscriptions, and of what is mined and to be buried. */
function dueHeights({ nodes }: World): { readonly what: string; readonly at: number }[] {
  const state = nodes[0]?.shard?.fold.state;
  const users = Array.from(state?.users() ?? []).flatMap(([id, { state: user }]) =>
    user.status === 'registered' ? [{ what: `the end of ${id}`, at: user.expiry + TERMS.grace }] : [],
  );
  const trackers = Array.from(state?.liveTrackers() ?? []).flatMap(([id, tracker]) => {
    const block = tracker.stage === 'confirmed' ? tracker.block : undefined;
    const mined = tracker.stage === 'outspent' ? tracker.outspend.block : block;
    return mined ? [{ what: `the burial of ${id}`, at: mined.height + BURIED - 1 }] : [];
  });
  return [...users, ...trackers];
}

/** Blocks with all of the mempools in the first; every bitcoind has the same chain afterwards. */
async function mineEverywhere(world: World, blocks: number): Promise<void> {
  const { bitcoinds, tree } = world;
  for (let from = 0; from < 2 * bitcoinds.length; from++) relay(world, from);
  const best = bitcoinds.reduce((a, b) => (b.tip.work > a.tip.work ? b : a));
  let tip = best.tip;
  for (let n = 0; n < blocks; n++) tip = tree.extend(tip, n === 0 ? best.mempool : []);
  for (const bitcoind of bitcoinds) bitcoind.hear(tip);
  await calm(world);
}

/** Everything under way ends, and every wait. */
async function calm({ steps, time, failures }: World): Promise<void> {
  await steps.finish();
  for (let fired = 0; time.fireNext(); fired++) {
    await steps.finish();
    if (fired > MOST_TIMERS) throw new Error(`it goes on waiting: ${failures.join()}`);
  }
}
