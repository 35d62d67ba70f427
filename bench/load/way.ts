import type { NatsConnection } from 'nats';
import type { ClientOperation, Courier, Reply } from '../../actors/client/courier.js';
import { replyOf } from '../../actors/client/nats-courier.js';

/** How a load reaches the tower: like a `Courier`, but what came back is read later, when nothing is measured. */
export interface Way {
  /** Sends a request's bytes; resolves with how to read the answer, once it is here. */
  send(operation: ClientOperation, body: Buffer): Promise<() => Reply>;
}

const REQUEST_MS = 10_000;

/** By NATS, as the client library goes. */
export function natsWay(nc: NatsConnection): Way {
  return {
    async send(operation, body) {
      const answer = await nc.request(`argus.v1.${operation}`, body, { timeout: REQUEST_MS });
      return () => replyOf(answer);
    },
  };
}

/** Any way as a courier, for requests that nobody measures. */
export const courierOf = (way: Way): Courier => ({
  ask: async (operation, body) => (await way.send(operation, Buffer.from(JSON.stringify(body))))(),
});
