import type { NatsConnection, Service, ServiceMsg } from 'nats';
import { z } from 'zod';
import { type Height, Locator, UserId } from '../../events/ids.js';
import type { ShardState } from '../../projections/shard-state.js';
import { operatorSubjects } from '../wire.js';
import { type Page, pageByLocator, pageOfAppointments, pageOfTrackers, pageOfUser, pageOfUsers } from './pages.js';

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
      if (error instanceof z.ZodError) respondError(message, 400, z.prettifyError(error).replace(/\s*\n\s*/g, ' '));
      else if (error instanceof SyntaxError) respondError(message, 400, 'the request is not JSON');
      else respondError(message, 500, 'the question could not be answered');
    }
  }

  #answer(operation: keyof typeof operatorSubjects, question: Question): object | undefined {
    const shards = this.needs.shards();
    const { after, limit, user_id: userId } = question;
    switch (operation) {
      case 'info':
        return this.needs.info();
      case 'users':
        return listed('user_ids', pageOfUsers(shards, after, limit));
      case 'user':
        return userId && this.#user(userId, question);
      case 'appointments':
        return this.#appointments(question);
      case 'trackers':
        return listed('trackers', pageOfTrackers(shards, this.needs.height() ?? (0 as Height), after, limit));
    }
  }

  /** Of a locator, of a user, or all. */
  #appointments({ after, limit, locator, user_id: userId }: Question): object | undefined {
    const shards = this.needs.shards();
    if (locator) return listed('appointments', pageByLocator(shards, locator, after, limit));
    if (!userId) return listed('appointments', pageOfAppointments(shards, after, limit));
    const shard = this.needs.shardOf(userId);
    return shard && listed('appointments', pageOfUser(shard, userId, after, limit));
  }

  /** With the first page of its appointments; `next` leads to the others when they are asked for. */
  #user(userId: UserId, { after, limit }: Question): object | undefined {
    const shard = this.needs.shardOf(userId);
    const state = shard?.user(userId).state;
    if (!shard || state?.status !== 'registered') return undefined;
    return {
      user_id: userId,
      dialect: state.dialect,
      available_slots: state.slots,
      subscription_start: state.start,
      subscription_expiry: state.expiry,
      ...listed('appointments', pageOfUser(shard, userId, after, limit)),
    };
  }
}

const listed = <Item>(name: string, { items, next }: Page<Item>) => ({ [name]: items, next });

/** The most items on a page: some 300 bytes each, far below a message's size. */
const MOST = 1000;

const Question = z.object({
  after: z
    .string()
    .regex(/^\d{1,9}\.\d{1,12}(\.\d{1,12})?$/, 'after is a cursor that a page before gave as next')
    .default('0.0'),
  limit: z.number().int().min(1).max(MOST).default(MOST),
  locator: Locator.optional(),
  user_id: UserId.optional(),
});
type Question = z.infer<typeof Question>;

const respondError = (message: ServiceMsg, code: number, text: string): void => {
  message.respondError(code, text, Buffer.from(JSON.stringify({ error: text })));
};

export interface OperatorDeskNeeds {
  readonly version: string;
  readonly info: () => object;
  readonly shards: () => readonly ShardState[];
  readonly height: () => Height | undefined;
  readonly shardOf: (userId: UserId) => ShardState | undefined;
}
