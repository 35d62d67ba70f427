import { setTimeout as sleep } from 'node:timers/promises';
import { Events, headers, type NatsConnection, type Service, type ServiceMsg } from 'nats';
import type { Logger } from 'pino';
import { publicSubjects, REQUEST_ID_HEADER } from '../wire.js';
import { type Answer, refusedWith } from './answers.js';
import { Endpoint } from './endpoint.js';
import type { Caller } from './gateway.js';
import type { Lane } from './lanes.js';
import { sourceOf } from './nats-source.js';
import { newRequestId } from './request-log.js';
import { operations } from './requests.js';
import { comeAgain } from './rust.js';

/**
 * The NATS door: the Gateway as a NATS service, so that `nats micro` finds and measures it.
 *
 *   client --argus.v1.register, .add_appointment, ...--> NATS door --> its lane --> Gateway
 *
 * Every node of a tower serves it in one queue group. An error's answer carries the headers of the services convention
 * (its code is an HTTP status) beside its JSON body, and no request is left without an answer. When its lane is crowded it shuts
 * until there is room: whoever asks meanwhile is told by the server that nobody is there, which costs the tower nothing.
 */
export class NatsDoor {
  #service: Service | undefined;
  readonly #underWay = new Set<Promise<void>>();
  readonly #endpoints: Endpoint[] = [];
  #ending = new AbortController();
  #pause: Promise<void> | undefined;

  constructor(
    private readonly nc: NatsConnection,
    private readonly lane: Lane,
    private readonly options: { readonly version: string; readonly info: () => object; readonly log: Logger },
  ) {
    void this.#watchConnection();
  }

  /** It may be opened again after it was closed. */
  async open(): Promise<void> {
    const { nc, lane, options } = this;
    this.#ending = new AbortController();
    const service = await nc.services.add({
      name: 'argus',
      version: options.version,
      description: 'Argus, a Lightning watchtower',
      queue: 'argus',
    });
    this.#service = service;
    for (const operation of operations)
      this.#endpoint(service, operation, publicSubjects[operation], ({ data, headers }, id) =>
        lane.serve(operation, data, { ...NEWER, source: sourceOf(headers), id }),
      );
    this.#endpoint(service, 'info', publicSubjects.info, async () => ({ status: 200, body: options.info() }));
  }

  /** Takes no more requests, and resolves when those under way are answered. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#pause;
    await Promise.all(this.#endpoints.splice(0).map((endpoint) => endpoint.end()));
    await this.#service?.stop();
    this.#service = undefined;
    await Promise.all(this.#underWay);
  }

  #endpoint(service: Service, name: string, subject: string, handle: Handler): void {
    this.#endpoints.push(
      new Endpoint(this.nc, service, name, subject, (error, message) => {
        if (error) this.options.log.error({ err: error, subject }, 'the NATS door failed');
        else this.#take(message, handle);
      }),
    );
  }

  #take(message: ServiceMsg, handle: Handler): void {
    const work = this.#serve(message, handle).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
    if (this.lane.isCrowded && !this.#ending.signal.aborted) this.#pause ??= this.#untilThereIsRoom();
  }

  /** Until the connection is closed for good. */
  async #watchConnection(): Promise<void> {
    for await (const { type } of this.nc.status())
      if (type === Events.Reconnect) for (const endpoint of this.#endpoints) endpoint.renew();
  }

  async #untilThereIsRoom(): Promise<void> {
    const { log } = this.options;
    const { signal } = this.#ending;
    log.info('more requests over NATS than are worked off; refusing them until there is room');
    for (const endpoint of this.#endpoints) endpoint.shut();
    do await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    while (!this.lane.hasRoom && !signal.aborted);
    this.#pause = undefined;
    if (!signal.aborted) for (const endpoint of this.#endpoints) endpoint.open();
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

/** How long it stays shut at the least, in ms: less than clients pause before they ask again. */
const PAUSE_MS = 100;

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
