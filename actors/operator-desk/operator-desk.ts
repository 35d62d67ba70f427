import type { NatsConnection, Service, ServiceMsg } from 'nats';
import type { Logger } from 'pino';
import { z } from 'zod';
import { Locator, type Shard, UserId } from '../../events/ids.js';
import { parseJson } from '../../events/json.js';
import { ShardNotServedError, ShardSilentError } from '../runtime/shard-relay.js';
import { operatorSubjects } from '../wire.js';
import type { Place } from './pages.js';
import type { ShardDesk, ShardQuestion } from './shard-desk.js';

/**
 * The OperatorDesk: what the operator may ask of a running tower, over subjects that clients cannot reach.
 *
 *   operator --argus.operator.v1.info, .users, .user, .appointments, .trackers--> OperatorDesk --> ShardDesk of each shard
 *
 * takes   a JSON object, or nothing; lists take `after` (a cursor) and `limit`, and give `next`
 * gives   JSON; an error as `{"error": "..."}` with the headers of the NATS services convention
 *
 * Any node answers for the whole tower: it asks the others about the shards that it does not serve, and says for which
 * nobody answered (`unserved_shards`). It reads and changes nothing.
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
          if (!error) void this.#serve(message, name as keyof typeof operatorSubjects);
        },
      });
  }

  async close(): Promise<void> {
    await this.#service?.stop();
  }

  /** The tower at a glance. */
  async info(): Promise<object> {
    const { about, shards } = this.needs;
    const all = await Promise.all(Array.from({ length: shards }, (_, shard) => this.#numbers(shard as Shard)));
    const known = all.filter((numbers) => numbers !== undefined);
    const sums = COUNTS.map((what) => [what, known.reduce((sum, numbers) => sum + numbers[what], 0)]);
    return {
      ...about(),
      ...Object.fromEntries(sums),
      unserved_shards: all.flatMap((numbers, shard) => (numbers ? [] : [shard])),
      shards: known,
    };
  }

  /** The first breaches that are being answered, so many at the most. */
  trackers(limit: number): Promise<object> {
    return this.#list('trackers', { after: '0.0', limit }, (span) => ({ what: 'trackers', ...span }));
  }

  async #serve(message: ServiceMsg, operation: keyof typeof operatorSubjects): Promise<void> {
    try {
      message.respond(JSON.stringify(await this.#answer(operation, readQuestion(message))));
    } catch (error) {
      if (this.nc.isClosed()) return;
      if (!(error instanceof DeskError))
        this.needs.log.error({ err: error, operation }, 'the operator is not answered');
      const { status, message: text } = error instanceof DeskError ? error : UNANSWERED;
      message.respondError(status, text, Buffer.from(JSON.stringify({ error: text })));
    }
  }

  #answer(operation: keyof typeof operatorSubjects, question: Question): Promise<object> {
    const { locator, user_id: userId } = question;
    switch (operation) {
      case 'info':
        return this.info();
      case 'users':
        return this.#list('user_ids', question, (span) => ({ what: 'users', ...span }));
      case 'user':
        return this.#user(question);
      case 'appointments':
        if (userId && !locator) return this.#appointmentsOf(userId, question);
        return this.#list('appointments', question, (span) => ({ what: 'appointments', ...span, locator }));
      case 'trackers':
        return this.#list('trackers', question, (span) => ({ what: 'trackers', ...span }));
    }
  }

  /** One shard in numbers; undefined if nobody answers for it. */
  async #numbers(shard: Shard): Promise<z.infer<typeof Numbers> | undefined> {
    const answer = await this.#ask(shard, { what: 'numbers' });
    return answer.kind === 'said' ? Numbers.parse(answer.said) : undefined;
  }

  /** A page of what all shards hold, one after another. */
  async #list(field: string, { after, limit }: Question, ask: (span: Span) => ShardQuestion): Promise<object> {
    const items: unknown[] = [];
    const unserved: number[] = [];
    let { shard, ...from } = parseCursor(after);
    let next: string | null = null;
    for (; shard < this.needs.shards; shard++, from = START) {
      if (items.length >= limit) {
        next = cursor(shard, from);
        break;
      }
      const answer = await this.#ask(shard as Shard, ask({ from, limit: limit - items.length }));
      if (answer.kind !== 'said') unserved.push(shard);
      // Who asks has waited for that one long enough to be told what there is.
      if (answer.kind === 'silent') {
        next = shard + 1 < this.needs.shards ? cursor(shard + 1, START) : null;
        break;
      }
      if (answer.kind !== 'said') continue;
      const page = Page.parse(answer.said);
      items.push(...page.items);
      if (!page.next) continue;
      next = cursor(shard, page.next);
      break;
    }
    return { [field]: items, next, ...(unserved.length > 0 && { unserved_shards: unserved }) };
  }

  async #appointmentsOf(userId: UserId, { after, limit }: Question): Promise<object> {
    const shard = this.needs.shardOf(userId);
    const { shard: _, ...from } = parseCursor(after);
    const page = Page.parse(await this.#insist(shard, { what: 'appointments', from, limit, userId }));
    return { appointments: page.items, next: page.next && cursor(shard, page.next) };
  }

  /** With the first page of its appointments; `next` leads to the others when they are asked for. */
  async #user(question: Question): Promise<object> {
    const { user_id: userId } = question;
    const found = userId && (await this.#insist(this.needs.shardOf(userId), { what: 'user', userId }));
    if (!found) throw new DeskError(404, 'User not found');
    return { ...found, ...(await this.#appointmentsOf(userId, question)) };
  }

  async #ask(shard: Shard, question: ShardQuestion): Promise<ShardAnswer> {
    try {
      return { kind: 'said', said: await this.needs.desk.ask(shard, question) };
    } catch (error) {
      if (error instanceof ShardNotServedError) return { kind: 'not-served' };
      if (error instanceof ShardSilentError) return { kind: 'silent' };
      throw error;
    }
  }

  /** The answer of a shard without which there is none. */
  async #insist(shard: Shard, question: ShardQuestion): Promise<object | null> {
    const answer = await this.#ask(shard, question);
    if (answer.kind === 'said') return z.looseObject({}).nullable().parse(answer.said);
    const silent = `the node that serves shard ${shard} does not answer`;
    throw new DeskError(503, answer.kind === 'silent' ? silent : `no node serves shard ${shard}`);
  }
}

type ShardAnswer = { readonly kind: 'said'; readonly said: unknown } | { readonly kind: 'not-served' | 'silent' };
interface Span {
  readonly from: Place;
  readonly limit: number;
}

/** A question that cannot be answered; `status` is an HTTP status. */
class DeskError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const UNANSWERED = new DeskError(500, 'the question could not be answered');

const START: Place = { index: 0, shown: 0 };

/** `<shard>.<index>`, or `<shard>.<index>.<n>` when n of the items there were on the page before. */
const cursor = (shard: number, { index, shown }: Place): string => `${shard}.${index}${shown > 0 ? `.${shown}` : ''}`;

function parseCursor(text: string): Place & { shard: number } {
  const [shard = 0, index = 0, shown = 0] = text.split('.').map(Number);
  return { shard, index, shown };
}

const whole = z.number().int();
const Page = z.object({ items: z.array(z.unknown()), next: z.object({ index: whole, shown: whole }).nullable() });
const COUNTS = ['users', 'watched_appointments', 'trackers', 'stuck_trackers'] as const;
const Numbers = z.looseObject({ users: whole, watched_appointments: whole, trackers: whole, stuck_trackers: whole });

/** How long a question may be, in bytes. */
const LONGEST = 1024;
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

/** Throws `DeskError`. */
function readQuestion(message: ServiceMsg): Question {
  let asked: unknown = {};
  try {
    if (message.data.length > LONGEST) throw new SyntaxError('too long');
    if (message.data.length > 0) asked = parseJson(message.data);
  } catch {
    throw new DeskError(400, `the request is not JSON of at most ${LONGEST} bytes`);
  }
  const { data, error } = Question.safeParse(asked);
  if (data) return data;
  throw new DeskError(400, z.prettifyError(error).replace(/\s*\n\s*/g, ' '));
}

export interface OperatorDeskNeeds {
  readonly version: string;
  /** How many shards the tower has. */
  readonly shards: number;
  readonly shardOf: (userId: UserId) => Shard;
  readonly desk: Pick<ShardDesk, 'ask'>;
  /** What this node says of itself. */
  readonly about: () => object;
  readonly log: Logger;
}
