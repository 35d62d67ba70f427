import type { NatsConnection, Service, ServiceMsg } from 'nats';
import { z } from 'zod';
import { Locator, UserId } from '../../events/ids.js';
import type { ShardState } from '../../projections/shard-state.js';
import { operatorSubjects } from '../wire.js';
import { appointmentsByLocator, appointmentsOf, pageOfAppointments, pageOfTrackers, pageOfUsers } from './pages.js';

/**
 * The OperatorDesk: what the operator may ask of a running tower, over subjects that clients cannot reach.
 *
 *   operator --argus.operator.v1.info, .users, .user, .appointments, .trackers--> OperatorDesk --> folded state
 *
 * takes   a JSON object, or nothing; lists take `after` (a cursor) and `limit`, and give `next`
 * gives   JSON; an error as `{"error": "..."}` with the headers of the NATS services convention
 *
 * It reads and changes nothing.
 */
export class OperatorDesk {
  #service: Service | undefined;

  constructor(
    private readonly nc: NatsConnection,
    private readonly needs: OperatorDeskNeeds,
  ) {}

  async open(): Promise<void> {
    const { version } = this.needs;
    const service = await this.nc.services.add({
      name: 'argus-operator',
      version,
      description: 'Argus, for its operator',
      queue: 'argus-operator',
    });
    this.#service = service;
    for (const [name, subject] of Object.entries(operatorSubjects))
      service.addEndpoint(name, {
        subject,
        handler: (error, message) => {
          if (!error) this.#serve(message, name as keyof typeof operatorSubjects);
        },
      });
  }

  async close(): Promise<void> {
    await this.#service?.stop();
  }

  #serve(message: ServiceMsg, operation: keyof typeof operatorSubjects): void {
    try {
      const asked: unknown = message.data.length > 0 ? JSON.parse(message.string()) : {};
      const answer = this.#answer(operation, Question.parse(asked));
      if (answer) message.respond(JSON.stringify(answer));
      else respondError(message, 404, 'User not found');
    } catch (error) {
      const problem = error instanceof z.ZodError ? z.prettifyError(error) : 'the request is not JSON';
      respondError(message, 400, problem.replace(/\s*\n\s*/g, ' '));
    }
  }

  #answer(
    operation: keyof typeof operatorSubjects,
    { after, limit, locator, user_id: userId }: z.infer<typeof Question>,
  ) {
    const shards = this.needs.shards();
    switch (operation) {
      case 'info':
        return this.needs.info();
      case 'users': {
        const { items, next } = pageOfUsers(shards, after, limit);
        return { user_ids: items, next };
      }
      case 'user':
        return userId && this.#user(userId);
      case 'appointments': {
        if (locator) return { appointments: appointmentsByLocator(shards, locator), next: null };
        const { items, next } = pageOfAppointments(shards, after, limit);
        return { appointments: items, next };
      }
      case 'trackers': {
        const { items, next } = pageOfTrackers(shards, after, limit);
        return { trackers: items, next };
      }
    }
  }

  #user(userId: UserId): object | undefined {
    const shard = this.needs.shardOf(userId);
    const state = shard?.user(userId).state;
    if (!shard || state?.status !== 'registered') return undefined;
    return {
      user_id: userId,
      dialect: state.dialect,
      available_slots: state.slots,
      subscription_start: state.start,
      subscription_expiry: state.expiry,
      appointments: appointmentsOf(shard, userId),
    };
  }
}

/** The most items on a page: some 300 bytes each, far below a message's size. */
const MOST = 1000;

const Question = z.object({
  after: z
    .string()
    .regex(/^\d{1,9}\.\d{1,12}$/, 'after is a cursor that a page before gave as next')
    .default('0.0'),
  limit: z.number().int().min(1).max(MOST).default(MOST),
  locator: Locator.optional(),
  user_id: UserId.optional(),
});

const respondError = (message: ServiceMsg, code: number, text: string): void => {
  message.respondError(code, text, Buffer.from(JSON.stringify({ error: text })));
};

export interface OperatorDeskNeeds {
  readonly version: string;
  readonly info: () => object;
  readonly shards: () => readonly ShardState[];
  readonly shardOf: (userId: UserId) => ShardState | undefined;
}
