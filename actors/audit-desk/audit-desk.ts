import {
  AckPolicy,
  DeliverPolicy,
  type JetStreamManager,
  type NatsConnection,
  nanos,
  nuid,
  type Service,
  type ServiceMsg,
} from 'nats';
import type { Logger } from 'pino';
import { parseJson } from '../../events/json.js';
import { isExpendable } from '../../events/log/streams.js';
import { AUDIT_CONSUMER, AuditFrom } from '../audit-wire.js';

/**
 * The AuditDesk: makes consumers for auditors, who may make none themselves.
 *
 *   auditor --argus.audit.v1.consumer.<stream>--> AuditDesk of any node --> JetStream
 *           --argus.audit.v1.next.<stream>.<consumer>-----------------------> JetStream
 *
 * takes   `AuditFrom`
 * gives   `AuditConsumer`; an error as `{"error": "..."}` with the headers of the NATS services convention
 *
 * Whoever makes a consumer says where its messages go, and in the tower's account that may be the log. So an auditor is given a
 * pull consumer, whose messages go to whoever asks for them, in its own account. No node may use pull consumers of its own: an
 * auditor could take their messages. It goes away when it is not asked for a while.
 */
export class AuditDesk {
  #service: Service | undefined;
  /** Those that were made and may be there still, oldest first. */
  readonly #made: { readonly stream: string; readonly consumer: string }[] = [];

  constructor(
    private readonly nc: NatsConnection,
    private readonly needs: AuditDeskNeeds,
  ) {}

  async open(): Promise<void> {
    const { version, streams } = this.needs;
    const description = 'Argus, for its auditors';
    this.#service = await this.nc.services.add({ name: 'argus-audit', version, description, queue: 'argus-audit' });
    for (const stream of streams.filter((name) => !isExpendable(name)))
      this.#service.addEndpoint(stream, {
        subject: `${AUDIT_CONSUMER}.${stream}`,
        handler: (error, message) => {
          if (!error) void this.#serve(stream, message);
        },
      });
  }

  async close(): Promise<void> {
    await this.#service?.stop();
  }

  async #serve(stream: string, message: ServiceMsg): Promise<void> {
    const { jsm, log } = this.needs;
    const asked = readFrom(message);
    if (asked === undefined)
      return this.#refuse(message, 400, 'the request is {"from": POSITION}, a whole number from 1');
    try {
      this.#forget();
      const consumer = `audit-${nuid.next()}`;
      await jsm.consumers.add(stream, {
        name: consumer,
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: asked,
        inactive_threshold: nanos(UNUSED_MS),
        mem_storage: true,
        num_replicas: 1,
        max_waiting: 16,
      });
      this.#made.push({ stream, consumer });
      if (!this.nc.isClosed()) message.respond(JSON.stringify({ consumer }));
    } catch (error) {
      log.warn({ err: error, stream }, 'an auditor is not given a consumer: it reads by position, which takes longer');
      this.#refuse(message, 503, 'there is no consumer to be had now');
    }
  }

  #refuse(message: ServiceMsg, status: number, text: string): void {
    if (!this.nc.isClosed()) message.respondError(status, text, Buffer.from(JSON.stringify({ error: text })));
  }

  /** Whoever has many made loses its oldest: there are so many at the most. */
  #forget(): void {
    const { jsm } = this.needs;
    while (this.#made.length >= MOST) {
      const { stream, consumer } = this.#made.shift() ?? {};
      if (stream && consumer) void jsm.consumers.delete(stream, consumer).catch(() => {}); // most are gone by themselves
    }
  }
}

/** How long one is kept that nobody asks, in ms; and how many a node has at the most. */
const UNUSED_MS = 30_000;
const MOST = 32;
/** How long a question may be, in bytes. */
const LONGEST = 200;

function readFrom({ data }: ServiceMsg): number | undefined {
  if (data.length > LONGEST) return undefined;
  try {
    return AuditFrom.parse(parseJson(data)).from;
  } catch {
    return undefined;
  }
}

export interface AuditDeskNeeds {
  readonly version: string;
  readonly jsm: JetStreamManager;
  /** The streams of the log. */
  readonly streams: readonly string[];
  readonly log: Logger;
}
