import type { NatsConnection } from 'nats';
import { type Courier, NotAnsweredError } from '../../actors/client/courier.js';
import { overNats } from '../../actors/client/nats-courier.js';

/** A courier that connects when it is first asked, and again if it was not let in: before a node is up no client is. */
export function lazyCourier(connect: () => Promise<NatsConnection>): Courier {
  let courier: Courier | undefined;
  return {
    ask: async (operation, body, timeoutMs) => {
      courier ??= overNats(
        await connect().catch((cause) => {
          throw new NotAnsweredError('not let in', true, { cause });
        }),
      );
      return courier.ask(operation, body, timeoutMs);
    },
  };
}
