import type { NatsConnection, Service, ServiceHandler, Subscription, SubscriptionOptions } from 'nats';
import { inTime } from '../runtime/in-time.js';

/**
 * An endpoint of a NATS service on credit: the server sends so many messages and no more, until it is told otherwise. What a flood
 * sends beyond that never lies in the line to this node: the server tells clients that nobody is there, or takes another node.
 *
 * A subscription ends by itself after `CREDIT` messages; when half of them have come, the next one is begun, unless it is shut. To the
 * service all of them are one, which does not end before the endpoint does: a service stops when a subscription of its own ends.
 */
export class Endpoint {
  #isOpen = true;
  /** Each with how many messages may still come. */
  readonly #credits = new Map<Subscription, number>();
  /** Those that the server sends nothing more for, until what it had sent is handed over. */
  readonly #drains = new Set<Promise<void>>();
  #hasEnded = false;
  #subject = '';
  #options: SubscriptionOptions = {};
  readonly #ended: Promise<void>;
  #tellEnded: () => void = () => {};

  constructor(
    private readonly nc: NatsConnection,
    service: Service,
    name: string,
    subject: string,
    handler: ServiceHandler,
  ) {
    this.#ended = new Promise((resolve) => (this.#tellEnded = resolve));
    // The library has no word for this, but its endpoints subscribe like anybody.
    const { subscribe } = nc;
    nc.subscribe = (subject, options = {}) => {
      nc.subscribe = subscribe;
      this.#subject = subject;
      this.#options = options;
      return this.#asOne(this.#subscribe());
    };
    try {
      service.addEndpoint(name, { subject, handler });
    } finally {
      nc.subscribe = subscribe;
    }
  }

  /** Has the server send no more than what it has credit for. */
  shut(): void {
    this.#isOpen = false;
  }

  open(): void {
    this.#isOpen = true;
    if (!Array.from(this.#credits.values()).some((left) => left > CREDIT / 2)) this.#subscribe();
  }

  /** The connection is another one: the server was told what is subscribed to, and knows of no credit. */
  renew(): void {
    const known = Array.from(this.#credits.keys());
    this.#credits.clear();
    if (this.#isOpen) this.#subscribe();
    for (const subscription of known) this.#drain(subscription);
  }

  /** Takes no more messages; resolves when those that the server had sent before were handed over, or it does not answer. */
  async end(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.shut();
    for (const subscription of this.#credits.keys()) this.#drain(subscription);
    await inTime(Promise.all(this.#drains), DRAIN_MS);
    this.#tellEnded();
  }

  /** A connection that is lost meanwhile has nothing to hand over. */
  #drain(subscription: Subscription): void {
    const drained = subscription
      .drain()
      .catch(() => undefined)
      .finally(() => this.#drains.delete(drained));
    this.#drains.add(drained);
  }

  /** What the service sees of its subscription. */
  #asOne(first: Subscription): Subscription {
    return Object.create(first, {
      closed: { value: this.#ended },
      drain: { value: () => this.end() },
    });
  }

  #subscribe(): Subscription {
    const subscription = this.nc.subscribe(this.#subject, {
      ...this.#options,
      max: CREDIT,
      callback: (error, message) => {
        if (!error) this.#spend(subscription);
        this.#options.callback?.(error, message);
      },
    });
    this.#credits.set(subscription, CREDIT);
    return subscription;
  }

  #spend(subscription: Subscription): void {
    const left = (this.#credits.get(subscription) ?? 0) - 1;
    if (left > 0) this.#credits.set(subscription, left);
    else this.#credits.delete(subscription);
    if (left === CREDIT / 2 && this.#isOpen) this.#subscribe();
  }
}

/** How long a server that does not answer is waited for, in ms. */
const DRAIN_MS = 1_000;
/** How many messages of one endpoint the server may send ahead: more than any client that waits for answers asks at once. */
export const CREDIT = 512;
