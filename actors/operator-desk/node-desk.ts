import { type NatsConnection, nuid, type Service, type ServiceMsg } from 'nats';
import type { Logger } from 'pino';
import { z } from 'zod';
import { parseJson } from '../../events/json.js';
import { clusterSubjects, NODE_SERVICE } from '../cluster-wire.js';
import type { Duty } from '../duty.js';
import { dutySubjects } from '../wire.js';

/**
 * The NodeDesk: what one node tells the operator of itself, from its first moment to its last, and of the log's streams; and where it
 * is told to drain, or to stop.
 *
 *   operator --argus.operator.v1.nodes----> NodeDesk of every node --> its folds, its bitcoind
 *            --argus.operator.v1.streams--> NodeDesk of any node ----> JetStream
 *            --argus.operator.v1.drain, .undrain, .stop--> NodeDesk of the node that is named --> Duty
 *
 * It is a NATS service of its own (`argus-node`), so that those who answer can be counted against those who are there.
 */
export class NodeDesk {
  #service: Service | undefined;

  constructor(
    private readonly nc: NatsConnection,
    private readonly needs: NodeDeskNeeds,
  ) {}

  async open(): Promise<void> {
    const { node, version, report, streams, duty } = this.needs;
    this.#service = await this.nc.services.add({
      name: NODE_SERVICE,
      version,
      description: 'A node of an Argus tower',
      metadata: { node },
    });
    // A queue group that no other node is in: all of them answer.
    this.#endpoint('nodes', nuid.next(), report);
    this.#endpoint('streams', NODE_SERVICE, async () => ({ streams: await streams() }));
    this.#order('drain', () => duty.drain(true));
    this.#order('undrain', () => duty.drain(false));
    this.#order('stop', async () => duty.stop());
  }

  /** What this node alone is to do, if it is the one that is meant; then it says how it is. */
  #order(name: keyof typeof dutySubjects, act: () => Promise<void>): void {
    const { node, report, log } = this.needs;
    this.#service?.addEndpoint(name, {
      subject: dutySubjects[name],
      queue: nuid.next(),
      handler: (error, message) => {
        if (error || nodeIn(message) !== node) return;
        log.warn({ order: name }, 'the operator has this node do something');
        void this.#serve(message, async () => {
          await act();
          return report();
        });
      },
    });
  }

  async close(): Promise<void> {
    await this.#service?.stop();
  }

  #endpoint(name: keyof typeof clusterSubjects, queue: string, answer: () => Promise<object>): void {
    this.#service?.addEndpoint(name, {
      subject: clusterSubjects[name],
      queue,
      handler: (error, message) => {
        if (!error) void this.#serve(message, answer);
      },
    });
  }

  async #serve(message: ServiceMsg, answer: () => Promise<object>): Promise<void> {
    try {
      const json = JSON.stringify(await answer());
      if (!this.nc.isClosed()) message.respond(json);
    } catch (error) {
      this.needs.log.error(
        { err: error, subject: message.subject },
        'a question of the operator could not be answered',
      );
      const text = 'the question could not be answered';
      if (!this.nc.isClosed()) message.respondError(500, text, Buffer.from(JSON.stringify({ error: text })));
    }
  }
}

/** The node that an order is for; undefined if it is none. */
function nodeIn({ data }: ServiceMsg): string | undefined {
  try {
    return Order.safeParse(parseJson(data)).data?.node;
  } catch {
    return undefined;
  }
}

const Order = z.object({ node: z.string() });

export interface NodeDeskNeeds {
  /** The node's name. */
  readonly node: string;
  readonly version: string;
  /** A `NodeReport`. */
  readonly report: () => Promise<object>;
  /** A `StreamReport` of each stream. */
  readonly streams: () => Promise<readonly object[]>;
  readonly duty: Pick<Duty, 'drain' | 'stop'>;
  readonly log: Logger;
}
