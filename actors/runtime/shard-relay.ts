import { setTimeout as sleep } from 'node:timers/promises';
import { headers, type Msg, type MsgHdrs, type NatsConnection, NatsError } from 'nats';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Shard } from '../../events/ids.js';
import { why } from './why.js';

/** What travels between two nodes: bytes, and what is to be known of them, as headers. */
export interface Parcel {
  readonly data: Uint8Array;
  readonly about?: Readonly<Record<string, string>>;
}

/** No node serves the shard now. */
export class ShardNotServedError extends Error {
  readonly code = 'shard-not-served';
  constructor(readonly shard: Shard) {
    super(`no node serves shard ${shard}`);
  }
}

/** A node that serves the shard was asked, and gave no answer: whether it did what it was asked to is not known. */
export class ShardSilentError extends Error {
  readonly code = 'shard-silent';
  constructor(
    readonly shard: Shard,
    options: ErrorOptions,
  ) {
    super(`no answer from the node that serves shard ${shard}`, options);
  }
}

/**
 * The relay between the nodes of a tower: what concerns a shard reaches a node that serves it.
 *
 *   node that was asked --argus.relay.v1.<shard>.<question>--> one of those that serve the shard
 *                       <-------------answer------------------
 *
 * Core NATS in the tower's own account, so clients cannot reach it. All nodes that serve a shard are one queue group.
 */
export class ShardRelay {
  constructor(
    private readonly nc: NatsConnection,
    private readonly log: Logger,
  ) {}

  /** From now on this node, like others, answers a question about a shard. Call what is returned to end that. */
  serve(shard: Shard, question: string, answer: (parcel: Parcel) => Promise<Parcel>): Served {
    const underWay = new Set<Promise<void>>();
    const take = (message: Msg) => {
      const work = this.#serve(message, answer).finally(() => underWay.delete(work));
      underWay.add(work);
    };
    const subscription = this.nc.subscribe(subjectOf(shard, question), {
      queue: QUEUE,
      callback: (error, message) => (error ? this.log.error({ err: error }, 'the relay failed') : take(message)),
    });
    return async () => {
      // What the server has sent already is still answered; one that is gone or frozen sends no more.
      await Promise.race([subscription.drain().catch(() => {}), sleep(DRAIN_MS, undefined, { ref: false })]);
      await Promise.all(underWay);
    };
  }

  /**
   * Asks a node that serves a shard; the answer comes within so many milliseconds. Rejects with `ShardNotServedError` at
   * once if there is none, with `ShardSilentError` if it does not answer.
   */
  async ask(shard: Shard, question: string, { data, about = {} }: Parcel, patienceMs: number): Promise<Parcel> {
    const options = { timeout: patienceMs, headers: headersOf(about) };
    let message: Msg;
    try {
      message = await this.nc.request(subjectOf(shard, question), data, options);
    } catch (cause) {
      if (cause instanceof NatsError && cause.code === NO_RESPONDERS) throw new ShardNotServedError(shard);
      throw new ShardSilentError(shard, { cause });
    }
    const found = aboutOf(message.headers);
    if (FAILED in found) throw new ShardSilentError(shard, { cause: new Error('that node failed') });
    return { data: message.data, about: found };
  }

  async #serve(message: Msg, answer: (parcel: Parcel) => Promise<Parcel>): Promise<void> {
    try {
      const { data, about = {} } = await answer({ data: message.data, about: aboutOf(message.headers) });
      message.respond(data, { headers: headersOf(about) });
    } catch (error) {
      const about = { subject: message.subject };
      if (error instanceof z.ZodError || error instanceof SyntaxError)
        this.log.warn({ ...why(error), ...about }, 'a question from another node is none');
      else this.log.error({ err: error, ...about }, 'a question from another node could not be answered');
      if (!this.nc.isClosed()) message.respond(undefined, { headers: headersOf({ [FAILED]: 'true' }) });
    }
  }
}

/** Ends the answering, and resolves when what is under way is answered. */
export type Served = () => Promise<void>;

const subjectOf = (shard: Shard, question: string): string => `argus.relay.v1.${shard}.${question}`;
const QUEUE = 'argus';
/** How long the server may take to send what it had for us, in ms. */
const DRAIN_MS = 1_000;
/** What the server says when nobody listens. */
const NO_RESPONDERS = '503';
const FAILED = 'argus-failed';

function headersOf(about: Readonly<Record<string, string>>): MsgHdrs {
  const all = headers();
  for (const [name, value] of Object.entries(about)) all.set(name, value);
  return all;
}

const aboutOf = (all: MsgHdrs | undefined): Record<string, string> =>
  Object.fromEntries((all?.keys() ?? []).map((name) => [name, all?.get(name) ?? '']));
