import { z } from 'zod';
import type { BlockWindow } from '../../projections/block-window.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { NodeReport } from '../cluster-wire.js';
import type { Nodes } from '../every-node.js';
import { complaintsOf } from './health.js';

/** The tower at a glance: what the page shows first, made of what the node knows anyway. */
export class Glance {
  #made: { readonly json: Promise<object>; readonly untilMs: number } | undefined;
  #nodes: Nodes | undefined;
  #asking: Promise<void> | undefined;
  #askNodesAt = 0;

  constructor(private readonly needs: GlanceNeeds) {}

  /** Whoever asks at nearly the same time gets the same. */
  now(): Promise<object> {
    const now = performance.now();
    if (!this.#made || now >= this.#made.untilMs) this.#made = { json: this.#make(), untilMs: now + GOOD_MS };
    return this.#made.json;
  }

  async #make(): Promise<object> {
    const { report, isConnected, info, trackers, chain } = this.needs;
    const [own, nodes, tower, listed] = await Promise.all([
      report(),
      this.#everyNode(),
      orNothing(info()).then((said) => Tower.safeParse(said).data),
      orNothing(trackers(MOST_TRACKERS)).then((said) => Trackers.safeParse(said).data),
    ]);
    const complaints = complaintsOf(own, isConnected(), nodes, tower);
    return {
      time: new Date().toISOString(),
      healthy: complaints.length === 0,
      complaints,
      tower: tower ?? null,
      node: own,
      // Of itself it knows what is new.
      nodes: nodes.nodes.map((node) => (node.node === own.node ? own : node)),
      silent_nodes: nodes.silent,
      root_height: chain.root?.height ?? null,
      blocks: this.#blocks(),
      trackers: listed?.trackers ?? [],
      more_trackers: (listed?.next ?? null) !== null,
    };
  }

  /** The last blocks, highest first, each with the breaches in it, of the shards that this node serves. */
  #blocks(): object[] {
    const { chain, shards } = this.needs;
    const breaches = Array.from(shards(), newestTrackers).flat();
    return chain
      .from((chain.tip?.height ?? 0) - BLOCKS + 1)
      .toReversed()
      .map(({ height, hash }) => ({
        height,
        hash,
        breaches: breaches.filter(({ block }) => block === hash).map(({ block: _, ...breach }) => breach),
      }));
  }

  /** All nodes are asked seldom, since each of them then asks its bitcoind; who comes meanwhile is told what was known. */
  async #everyNode(): Promise<Nodes> {
    const now = performance.now();
    if (now >= this.#askNodesAt) {
      this.#askNodesAt = now + NODES_MS;
      const asked = this.needs.isConnected() ? orNothing(this.needs.everyNode()) : undefined;
      this.#asking = Promise.resolve(asked).then((nodes) => {
        this.#nodes = nodes ?? NOBODY;
      });
    }
    if (!this.#nodes) await this.#asking;
    return this.#nodes ?? NOBODY;
  }
}

/** Those that began last: what is in the newest blocks is among them. */
function newestTrackers(shard: ShardState) {
  return shard.trackerIds.slice(-LAST_TRACKERS).flatMap((appointmentId) => {
    const { state } = shard.tracker(appointmentId);
    if (state.stage === 'none' || !state.disputeBlock) return [];
    const { stage, disputeTxid, disputeBlock } = state;
    return [{ appointment_id: appointmentId, dispute_txid: disputeTxid, stage, block: disputeBlock.hash }];
  });
}

const orNothing = <T>(asked: Promise<T>): Promise<T | undefined> => asked.catch(() => undefined);

const whole = z.number().int();
const Tower = z.looseObject({
  users: whole,
  watched_appointments: whole,
  trackers: whole,
  stuck_trackers: whole,
  shards: z.array(
    z.looseObject({ shard: whole, head_alarm: z.string().nullable(), unscanned_heights: z.array(z.unknown()) }),
  ),
});
const Trackers = z.object({ trackers: z.array(z.unknown()), next: z.string().nullable() });

const NOBODY: Nodes = { nodes: [], silent: [] };
/** Less than between two of the feed's: what it shows because of news has to be newer than that. */
const GOOD_MS = 200;
const NODES_MS = 10_000;
const BLOCKS = 12;
const MOST_TRACKERS = 200;
const LAST_TRACKERS = 1_000;

export interface GlanceNeeds {
  readonly report: () => Promise<NodeReport>;
  readonly everyNode: () => Promise<Nodes>;
  readonly isConnected: () => boolean;
  /** What `argus info` shows. */
  readonly info: () => Promise<object>;
  /** What `argus trackers` shows, so many at the most. */
  readonly trackers: (limit: number) => Promise<object>;
  readonly chain: BlockWindow;
  /** What is folded of the shards that this node serves. */
  readonly shards: () => Iterable<ShardState>;
}
