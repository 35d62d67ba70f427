import { type NatsConnection, nuid, type Service } from 'nats';
import type { Position, Shard } from '../../events/ids.js';
import { type Canonical, stateDigest } from '../../projections/state-digest.js';
import { nodeSubjects, type StateAnswer } from '../wire.js';

/**
 * The StateDesk: what this node has made of the log, as digests, so that nodes can be compared.
 *
 *   operator --argus.operator.v1.state--> every node's StateDesk --> folded state
 *
 * takes   nothing
 * gives   a `StateAnswer`, from each node of the tower: those of two nodes at the same position have to be equal
 *
 * It reads and changes nothing. An answer takes a pass over the whole state (some seconds for a million appointments), so one
 * that was made just now is given again.
 */
export class StateDesk {
  #service: Service | undefined;
  #last: { readonly text: string; readonly untilMs: number } | undefined;

  constructor(
    private readonly nc: NatsConnection,
    private readonly needs: StateDeskNeeds,
  ) {}

  async open(): Promise<void> {
    const { node, version } = this.needs;
    const description = `Argus, for its operator: what node ${node} has made of the log`;
    // A queue of its own, so that every node is asked and not just one of them.
    this.#service = await this.nc.services.add({ name: 'argus-state', version, description, queue: nuid.next() });
    this.#service.addEndpoint('state', {
      subject: nodeSubjects.state,
      handler: (error, message) => {
        if (!error) message.respond(this.#text());
      },
    });
  }

  async close(): Promise<void> {
    await this.#service?.stop();
  }

  /** Who asks again and again is answered anew only so often that nobody else waits for it. */
  #text(): string {
    const began = performance.now();
    if (this.#last && began < this.#last.untilMs) return this.#last.text;
    const text = JSON.stringify(this.#answer());
    const now = performance.now();
    this.#last = { text, untilMs: now + REST * (now - began) };
    return text;
  }

  #answer(): StateAnswer {
    const { node, version, chain, shards } = this.needs;
    const digestOf = (state: FoldedState) => ({ position: state.position, sha256: stateDigest(state) });
    return {
      node,
      version,
      chain: digestOf(chain()),
      shards: shards().map(([shard, state]) => ({ shard, ...digestOf(state) })),
    };
  }
}

/** An answer is good for as many times as long as it took to make. */
const REST = 10;

interface FoldedState extends Canonical {
  readonly position: Position;
}

export interface StateDeskNeeds {
  readonly node: string;
  readonly version: string;
  readonly chain: () => FoldedState;
  readonly shards: () => readonly (readonly [Shard, FoldedState])[];
}
