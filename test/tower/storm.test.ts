import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TowerClient } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, type Channel, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { BlockHash, type Locator } from '../../events/ids.js';
import { Dialect } from '../../events/signing/receipts.js';
import { type NatsProxy, startNatsProxy } from '../support/nats-proxy.js';
import type { Cleanup } from '../support/temp-dir.js';
import { historyTypes, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/**
 * Everything that may go wrong, one after another: whoever holds a receipt is protected (design.md, the guarantees).
 * Another seed is another story: `ARGUS_STORM=7 npm test storm`.
 */
const SEED = Number(process.env.ARGUS_STORM ?? 6);
const STEPS = Number(process.env.ARGUS_STORM_STEPS ?? 40);

test(`after a storm every appointment that was acknowledged is answered (seed ${SEED})`, async (t) => {
  const { tower, nodes, clients, weather, breaches } = await calmSea(t);
  const protectedBy: { client: TowerClient; locator: Locator; breach: Breach }[] = [];
  const waiting: Breach[] = [];
  const story: string[] = [];
  const { chain } = tower;
  const protect = async (breach: Breach) => {
    const client = oneOf(clients);
    const { locator } = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    protectedBy.push({ client, locator, breach });
  };
  const deeds: Record<string, () => Promise<unknown>> = {
    appointment: async () => {
      const breach = breaches.pop() ?? assert.fail();
      await protect(breach);
      waiting.push(breach);
    },
    'late appointment': async () => {
      const breach = breaches.pop() ?? assert.fail();
      await chain.mineOnly([breach.disputeTx]);
      await protect(breach);
    },
    breaches: async () => {
      for (const { disputeTx } of waiting.splice(0, 1 + below(3))) await chain.send(disputeTx);
      await chain.mine();
    },
    'empty blocks': () => chain.mineOnly().then(() => chain.mineOnly()),
    reorg: async () => {
      const depth = 1 + below(3);
      const at = (await chain.height()) - depth + 1;
      await chain.invalidate(BlockHash.parse(await tower.bitcoind.rpc.call('getblockhash', at)));
      for (let i = 0; i <= depth; i++) await chain.mineOnly();
    },
    ...weather,
  };
  for (let step = 0; step < STEPS; step++) {
    const name = oneOf(Object.keys(deeds));
    story.push(name);
    await deeds[name]?.();
    await sleep(below(100));
  }
  t.diagnostic(story.join(', '));

  for (const { disputeTx } of waiting) await chain.send(disputeTx);
  for (let i = 0; i < 2; i++) {
    await chain.mine(); // first what was reorged out or sent just now, then the penalties
    for (const node of nodes()) await untilLevel(() => node, chain);
    await until('answered', () => nodes().every(({ shards }) => shards.every(isAnswered)));
  }
  await chain.mine(101);
  for (const { client, locator } of protectedBy) {
    const last = async () => (await historyTypes(tower, client.userId, locator)).at(-1);
    await until('buried', async () => (await last()) === 'PenaltyIrrevocable');
  }
  for (const client of clients)
    await until(
      'every slot is given back',
      async () => (await client.getSubscriptionInfo()).available_slots === 10_000,
    );
  await until('the nodes are of one mind', () => {
    const [one, two] = nodes().map(({ chain, shards }) => JSON.stringify([chain.state, ...shards]));
    return one === two;
  });
  assert.deepEqual(tower.gaveUp, []);
});

type Tower = Awaited<ReturnType<typeof startTestTower>>;
type Node = Tower['node'];

/** Whether nothing waits for its penalty to be broadcast. */
const isAnswered = (shard: Node['shards'][number]): boolean =>
  Array.from(shard.liveTrackers()).every(([, { stage }]) => stage !== 'breached');

/** A tower of two nodes, its clients, and what may befall it. */
async function calmSea(t: Cleanup) {
  const tower = await startTestTower(t, { begin: false });
  const ships: { name: string; line: NatsProxy; node: Node }[] = [];
  for (const name of ['one', 'two']) {
    const line = await startNatsProxy(t, tower.nats.port);
    ships.push({ name, line, node: await tower.startNode(name, { natsUrl: line.url }) });
  }
  const channels: Channel[] = await openChannels(tower.chain, STEPS);
  await tower.chain.mine(6); // deeper than any reorg here
  for (const { node } of ships) await untilLevel(() => node, tower.chain);
  const patient = { timeoutMs: 50_000 };
  const clients = await Promise.all(Dialect.options.map((dialect) => tower.newClient(dialect, patient)));
  for (const client of clients) await client.register();
  const weather: Record<string, () => Promise<unknown>> = {
    'line cut': async () => oneOf(ships).line.cut(),
    'deliveries late': async () => {
      const held = oneOf(ships).line.holdDeliveries();
      await sleep(below(300));
      held.release();
    },
    'deliveries lost': async () => {
      const held = oneOf(ships).line.holdDeliveries();
      await sleep(below(300));
      held.lose();
    },
    'NATS killed': async () => {
      await tower.nats.kill();
      await tower.nats.restart();
    },
    'bitcoind restarted': () => tower.bitcoind.restart(),
    'node restarted': async () => {
      const ship = oneOf(ships);
      await ship.node.stop();
      await tower.chain.mineOnly();
      ship.node = await tower.startNode(ship.name, { natsUrl: ship.line.url });
    },
  };
  const nodes = () => ships.map(({ node }) => node);
  return { tower, nodes, clients, weather, breaches: channels.map((channel) => buildBreach(channel)) };
}

/** Numbers that look random and are the same for the same seed (mulberry32). */
let state = SEED;
function below(n: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let x = Math.imul(state ^ (state >>> 15), 1 | state);
  x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
  return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * n);
}

const oneOf = <T>(things: readonly T[]): T => things[below(things.length)] ?? assert.fail();
