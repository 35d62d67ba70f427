import { auditMempool } from './audit-mempool.js';
import { auditLocatorCache } from './audit-states.js';
import type { Block } from './block-tree.js';
import { isOn } from './block-tree.js';
import type { Command } from './commands.js';
import { ROOT_HEIGHT } from './model-node.js';
import { disputeOf, type Tx } from './transactions.js';
import type { World } from './world.js';

export const QUARTER = 15 * 60_000;

/** So many steps without coming to rest are a tower that goes round in circles. */
const MOST_STEPS = 5_000;

/** What a command makes of the world. */
export async function happen(world: World, command: Command): Promise<void> {
  switch (command.do) {
    case 'register':
      return world.register(command.user, command.node, command.dialect);
    case 'add':
      return world.add(command.user, command.node, command.channel, command.version, command.variant);
    case 'delete':
      return world.delete(command.user, command.node, command.channel, command.version, command.named);
    case 'cheat':
      world.bitcoind(command.node).take(disputeOf(command.channel, command.version));
      return;
    case 'sweep':
      world.bitcoind(command.node).take(disputeOf(command.channel, command.version).sweep);
      return;
    case 'claim': {
      const penalty = disputeOf(command.channel, command.version).penalties[command.variant];
      if (penalty) world.bitcoind(command.node).take(penalty);
      return;
    }
    case 'mine':
      return mine(world, command);
    case 'fork':
      return fork(world, command);
    case 'return':
      return goBack(world, command.node);
    case 'relay':
      return relay(world, command.from);
    case 'run':
      await world.steps.take(command.steps, command.node);
      return;
    case 'settle':
      return settle(world);
    case 'timer':
      await world.steps.take(0);
      world.time.fireNext();
      return;
    case 'crash':
      return world.crash(command.node, command.losing);
    case 'start':
      return world.start(command.node);
    case 'bitcoind':
      return changeBitcoind(world, command);
    case 'log':
      return changeLog(world, command.is);
    case 'wait':
      return world.time.pass(QUARTER);
  }
}

const chosen = (txs: readonly Tx[], take: number, from = 0): Tx[] => txs.filter((_, n) => (take >> (n + from)) & 1);

function mine(world: World, { node, blocks, take }: Extract<Command, { do: 'mine' }>): void {
  const bitcoind = world.bitcoind(node);
  for (let n = 0; n < blocks; n++)
    bitcoind.hear(world.tree.extend(bitcoind.tip, n === 0 ? chosen(bitcoind.mempool, take) : []));
}

function fork(world: World, { node, depth, blocks, work, take }: Extract<Command, { do: 'fork' }>): void {
  const bitcoind = world.bitcoind(node);
  let tip: Block = bitcoind.tip;
  const wanted: Tx[] = [...bitcoind.mempool];
  for (let below = 0; below < depth && tip.prev && tip.height > ROOT_HEIGHT; below++) {
    wanted.unshift(...tip.txs);
    tip = tip.prev;
  }
  for (let n = 0; n < blocks; n++) tip = world.tree.extend(tip, chosen(wanted, take, n), work);
  bitcoind.hear(tip);
}

function goBack(world: World, node: number): void {
  const bitcoind = world.bitcoind(node);
  let tip = bitcoind.left;
  if (!tip || isOn(tip, bitcoind.tip)) return;
  while (tip.work <= bitcoind.tip.work) tip = world.tree.extend(tip);
  bitcoind.hear(tip);
}

export function relay(world: World, from: number): void {
  const { tip, mempool } = world.bitcoind(from);
  for (const other of world.bitcoinds) {
    other.hear(tip);
    for (const tx of mempool) other.take(tx);
  }
}

async function settle(world: World): Promise<void> {
  if (await world.steps.take(MOST_STEPS)) world.failures.push(`no rest after ${MOST_STEPS} steps`);
  const isIdle = world.steps.isIdle && world.time.isIdle;
  for (let node = 0; node < world.setting.nodes; node++) {
    world.sample(node);
    if (isIdle) world.failures.push(...auditLocatorCache(world, node), ...auditMempool(world, node));
  }
}

function changeBitcoind(world: World, { node, is }: Extract<Command, { do: 'bitcoind' }>): void {
  const bitcoind = world.bitcoind(node);
  const wire = world.wires[node % world.setting.nodes];
  if (is === 'slow' || is === 'quick') {
    if (wire) wire.bitcoindIsSlow = is === 'slow';
  } else if (is === 'choosy' || is === 'modest') bitcoind.isChoosy = is === 'choosy';
  else if (is === 'obscure' || is === 'plain') bitcoind.isObscure = is === 'obscure';
  else if (is === 'pruned') bitcoind.prune();
  else if (is === 'whole') bitcoind.pruned = new Set();
  else {
    bitcoind.isAway = is === 'away';
    bitcoind.wasAway ||= bitcoind.isAway;
    if (is === 'restarted') bitcoind.restart();
  }
}

function changeLog({ steps, stores }: World, is: Extract<Command, { do: 'log' }>['is']): void {
  if (is === 'forgetful') stores.txids.clear();
  if (is === 'away' || is === 'back') steps.logAway = is === 'away';
  steps.lostAcks = is === 'losing acks' ? 3 : is === 'sound' ? 0 : steps.lostAcks;
  steps.repeats = is === 'repeating' ? 4 : is === 'sound' ? 0 : steps.repeats;
}
