import { headers, type NatsConnection, type Service, type ServiceMsg } from 'nats';
import type { Logger } from 'pino';
import { publicSubjects, REQUEST_ID_HEADER } from '../wire.js';
import { type Answer, refusedWith } from './answers.js';
import type { Caller, Gateway } from './gateway.js';
import { sourceOf } from './nats-source.js';
import { newRequestId } from './request-log.js';
import { operations } from './requests.js';
import { comeAgain } from './rust.js';

/**
 * The NATS door: the Gateway as a NATS service, so that `nats micro` finds and measures it.
 *
 *   client --argus.v1.register, .add_appointment, ...--> NATS door --> Gateway
 *
 * Every node of a tower serves it in one queue group. An error's answer carries the headers of the services convention
 * (its code is an HTTP status) beside its JSON body, and no request is left without an answer.
 */
export class NatsDoor {
  #service: Service | undefined;
  readonly #underWay = new Set<Promise<void>>();

  constructor(
    private readonly nc: NatsConnection,
    private readonly gateway: Gateway,
    private readonly options: { readonly version: string; readonly info: () => object; readonly log: Logger },
  ) {}

  async open(): Promise<void> {
    const { nc, gateway, options } = this;
    const service = await nc.services.add({
      name: 'argus',
      version: options.version,
      description: 'Argus, a Lightning watchtower',
      queue: 'argus',
    });
    this.#service = service;
    for (const operation of operations)
      this.#endpoint(operation, publicSubjects[operation], ({ data, headers }, id) =>
        gateway.serve(operation, data, { ...NEWER, source: sourceOf(headers), id }),
      );
    this.#endpoint('info', publicSubjects.info, async () => ({ status: 200, body: options.info() }));
  }

  /** Takes no more requests, and resolves when those under way are answered. */
  async close(): Promise<void> {
    await this.#service?.stop();
    await Promise.all(this.#underWay);
  }

  #endpoint(name: string, subject: string, handle: Handler): void {
    this.#service?.addEndpoint(name, {
      subject,
      handler: (error, message) => {
        if (error) this.options.log.error({ err: error, subject }, 'the NATS door failed');
        else this.#take(message, handle);
      },
    });
  }

  #take(message: ServiceMsg, handle: Handler): void {
    const work = this.#serve(message, handle).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async #serve(message: ServiceMsg, handle: Handler): Promise<void> {
    const id = newRequestId();
    const { log } = this.options;
    try {
      respond(message, await handle(message, id), id);
    } catch (error) {
      log.error({ err: error, subject: message.subject, request: id }, 'a request was not understood by the tower');
      respond(message, refusedWith('unavailable', comeAgain), id);
    }
  }
}

type Handler = (message: ServiceMsg, id: string) => Promise<Answer>;

/** A NATS client has no generation of its own, so those whose dialect is not known yet are answered as the newer one. */
const NEWER: Caller = { dialect: 'rust', certain: false };

/** Sends an answer in the form of the NATS services convention; a refusal's body says why in the field's words, too. */
export function respond(message: ServiceMsg, { status, body, reason, retryMs }: Answer, id: string): void {
  const all = headers();
  all.set(REQUEST_ID_HEADER, id);
  if (reason === undefined) {
    message.respond(Buffer.from(JSON.stringify(body)), { headers: all });
    return;
  }
  const error = 'error' in body ? String(body.error) : reason;
  const later = retryMs !== undefined && { retry_after_ms: retryMs };
  const text = JSON.stringify({ error, ...body, reason, ...later });
  message.respondError(status, headerText(error), Buffer.from(text), { headers: all });
}

/** A text as a header may carry it: what a client sent may be repeated in it, and a header with a line's end is refused. */
const headerText = (text: string): string => text.slice(0, MOST_HEADER).replace(/[^\x20-\x7e]/g, '?');
const MOST_HEADER = 256;
