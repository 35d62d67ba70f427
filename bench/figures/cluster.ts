import { cpus } from 'node:os';
import { TowerClient } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { Witness } from '../chain/witness.js';
import type { Figure, Lab, Measured } from '../figure.js';
import { appendLimit, BLOB_BYTES } from '../limits/append-like-tower.js';
import { run } from '../load/load.js';
import { prepare } from '../load/prepared.js';
import { courierOf, natsWay } from '../load/way.js';
import { mean, median, quantile, round } from '../measure/statistics.js';
import { appendsOf } from '../stage/appends.js';
import type { Stage } from '../stage/stage.js';
import { registerUsers, type User } from '../stage/users.js';

const IN_FLIGHT = 256;
const USERS = 512;
/** So few that their requests meet: what the nodes do to one another at the worst. */
const FEW_USERS = 16;
const CONNECTIONS = 8;
const LEAD_MS = 1_000;
const MOST_NODES = 3;

/**
 * What one, two and three nodes on one log do: appointments accepted per second, milliseconds from a block to the penalty
 * in the mempool, and how many of a thousand appends came too late, because another node had decided on the same aggregate.
 *
 * Load, nodes, nats-server and bitcoind share the machine's cores: with two of them, more nodes can only show what they
 * cost one another, not what they add. The limit is what the same server takes durably from the bare client.
 */
export const cluster: Figure = {
  name: 'cluster',
  says: 'appointments per second, block to penalty, and conflicts per thousand appends, with 1, 2 and 3 nodes',

  async measure(lab) {
    const stage = await lab.stage();
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => stage.connectClient()));
    lab.say(`registering ${USERS} users`);
    const users = await registerUsers(connections.map(natsWay), stage.towerId, USERS);
    const nc = await stage.connectNode();
    const limit = await appendLimit(stage, nc, users, IN_FLIGHT);
    const witness = new Witness(stage.bitcoind.zmqUrl);
    try {
      const before = await limit.rate();
      const count = MOST_NODES * lab.options.rounds;
      const breaches = (await openChannels(stage.chain, count)).map((channel) => buildBreach(channel));
      const steps: Step[] = [];
      for (let nodes = 1; nodes <= MOST_NODES; nodes++) {
        if (nodes > 1) await stage.addNode(`bench-${nodes}`);
        lab.say(`${nodes} node${nodes > 1 ? 's' : ''}`);
        const mine = breaches.splice(0, lab.options.rounds);
        const appends = () => appendsOf(nc, nodes);
        steps.push({ nodes, ...(await measureNodes({ stage, witness, appends, lab }, users, mine)) });
      }
      return report(steps, [before, await limit.rate()], stage);
    } finally {
      witness.close();
    }
  },
};

interface Step {
  readonly nodes: number;
  readonly many: Taken;
  readonly few: Taken;
  /** From each block to its penalty, in ms. */
  readonly answers: readonly number[];
}

interface Scene {
  readonly stage: Stage;
  readonly witness: Witness;
  readonly appends: () => ReturnType<typeof appendsOf>;
  readonly lab: Lab;
}

async function measureNodes(scene: Scene, users: readonly User[], breaches: readonly Breach[]) {
  const { stage, witness } = scene;
  const many = await takeIn(scene, users);
  const few = await takeIn(scene, users.slice(0, FEW_USERS));
  const answers: number[] = [];
  for (const [i, breach] of breaches.entries()) {
    const user = users[i % users.length] as User;
    await new TowerClient(courierOf(user.way), user).protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    const hash = await stage.chain.mineOnly([breach.disputeTx]);
    const [block, answered] = [await witness.block(hash), await witness.mempool(breach.penaltyTxid)];
    answers.push(answered.at - block.at);
    await stage.chain.mine();
    await stage.untilScanned();
  }
  return { many, few, answers };
}

interface Taken {
  readonly rate: number;
  readonly p99: number;
  readonly conflictsPerThousand: number;
  readonly errors: readonly Error[];
}

/** Sustains a load of these users; the requests prepared are for the fastest that is known, and more. */
async function takeIn({ appends, lab: { options } }: Scene, users: readonly User[]): Promise<Taken> {
  const trial = await run(await prepare(users, 2_000, BLOB_BYTES), { inFlight: IN_FLIGHT, leadMs: 0, ms: 60_000 });
  const count = Math.ceil((trial.answered / trial.seconds) * 2.5 * (options.seconds + LEAD_MS / 1000));
  const requests = await prepare(users, count, BLOB_BYTES);
  const begun = await appends();
  const load = await run(requests, { inFlight: IN_FLIGHT, leadMs: LEAD_MS, ms: options.seconds * 1000 });
  const ended = await appends();
  return {
    rate: load.answered / load.seconds,
    p99: quantile(load.latencies, 0.99),
    conflictsPerThousand: ((ended.conflicts - begun.conflicts) / (ended.appends - begun.appends)) * 1000,
    errors: [...trial.errors, ...load.errors],
  };
}

function report(steps: readonly Step[], limits: readonly number[], { tower }: Stage): Measured {
  const last = steps.at(-1) as Step;
  const taken = ({ rate, p99, conflictsPerThousand }: Taken) => ({
    appointments_per_s: round(rate),
    p99_ms: round(p99),
    conflicts_per_1000_appends: round(conflictsPerThousand),
  });
  return {
    value: last.many.rate,
    unit: 'appointments/s',
    limit: mean(limits),
    errors: steps.flatMap(({ many, few }) => [...many.errors, ...few.errors]),
    details: {
      limit_before_and_after: limits.map((rate) => round(rate)),
      by_nodes: steps.map(({ nodes, many, few, answers }) => ({
        nodes,
        [`of_${USERS}_users`]: taken(many),
        [`of_${FEW_USERS}_users`]: taken(few),
        block_to_penalty_ms: round(median(answers)),
        block_to_penalty_worst_ms: round(Math.max(...answers)),
      })),
      cores: cpus().length,
      tower_complaints: tower.complaints().length,
    },
  };
}
