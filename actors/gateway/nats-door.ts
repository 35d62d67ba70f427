import type { NatsConnection, Service, ServiceMsg } from 'nats';
import type { Logger } from 'pino';
import { publicSubjects } from '../wire.js';
import type { Answer, Gateway } from './gateway.js';

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
    // A NATS client has no generation of its own, so those whose dialect is not known yet are answered as the newer one.
    const guess = 'rust';
    this.#endpoint('register', publicSubjects.register, (body) => gateway.register(body, guess));
    this.#endpoint('add_appointment', publicSubjects.addAppointment, (body) => gateway.addAppointment(body, guess));
    this.#endpoint('get_appointment', publicSubjects.getAppointment, (body) => gateway.getAppointment(body, guess));
    this.#endpoint('get_subscription_info', publicSubjects.getSubscriptionInfo, (body) =>
      gateway.getSubscriptionInfo(body, guess),
    );
    this.#endpoint('info', publicSubjects.info, async () => ({ status: 200, body: options.info() }));
  }

  /** Takes no more requests, and resolves when those under way are answered. */
  async close(): Promise<void> {
    await this.#service?.stop();
    await Promise.all(this.#underWay);
  }

  #endpoint(name: string, subject: string, handle: (body: Uint8Array) => Promise<Answer>): void {
    this.#service?.addEndpoint(name, {
      subject,
      handler: (error, message) => {
        if (error) this.options.log.error({ err: error, subject }, 'the NATS door failed');
        else this.#take(message, handle);
      },
    });
  }

  #take(message: ServiceMsg, handle: (body: Uint8Array) => Promise<Answer>): void {
    const work = this.#serve(message, handle).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async #serve(message: ServiceMsg, handle: (body: Uint8Array) => Promise<Answer>): Promise<void> {
    try {
      respond(message, await handle(message.data));
    } catch (error) {
      this.options.log.error({ err: error, subject: message.subject }, 'a request was not understood by the tower');
      respond(message, {
        status: 503,
        body: { error: 'Service currently unavailable', error_code: 32, reason: 'unavailable' },
      });
    }
  }
}

/** Sends an answer in the form of the NATS services convention. */
export function respond(message: ServiceMsg, { status, body }: Answer): void {
  const data = Buffer.from(JSON.stringify(body));
  if (status === 200) message.respond(data);
  else message.respondError(status, 'error' in body ? String(body.error) : 'error', data);
}
