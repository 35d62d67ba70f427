import { z } from 'zod';
import type { Shard } from '../../events/ids.js';
import { parseJson } from '../../events/json.js';
import { Dialect } from '../../events/signing/receipts.js';
import type { Refusal } from '../outcomes.js';
import { type Parcel, type Served, ShardNotServedError, type ShardRelay } from '../runtime/shard-relay.js';
import type { Answer } from './answers.js';
import type { Gateway, Request } from './gateway.js';
import { operations } from './requests.js';

/**
 * The request relay: what a client asks of a node that does not serve its shard is answered by one that does.
 *
 *   Gateway --a request's bytes, who the door thinks is asking--> Gateway of a node that serves the user's shard
 *           <-status, reason, the body's bytes-------------------
 *
 * The request is sent as it came, so that the node which answers it is the one that recovers who signed it. What it gave is
 * handed on as it is, in the user's dialect.
 */
export class RequestRelay {
  /** What is served, and how that is ended while it is not interrupted. */
  readonly #served = new Map<Shard, { readonly begin: () => Served; end: Served | undefined }>();
  #isShut = false;

  constructor(
    private readonly relay: Pick<ShardRelay, 'serve' | 'ask'>,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** From now on other nodes' requests for a shard are answered. Call what is returned to end that. */
  serve(shard: Shard, gateway: Pick<Gateway, 'serve'>): Served {
    const begin = () =>
      this.relay.serve(shard, QUESTION, async ({ data, about }) => {
        const { operation, ...caller } = About.parse(about);
        return parcelOf(await gateway.serve(operation, data, { ...caller, relayed: true }));
      });
    const serving = { begin, end: this.#isShut ? undefined : begin() };
    this.#served.set(shard, serving);
    return async () => {
      if (this.#served.get(shard) === serving) this.#served.delete(shard);
      await serving.end?.();
    };
  }

  /** Until `open` is called others are to answer; resolves when what is under way is answered. */
  async shut(): Promise<void> {
    this.#isShut = true;
    const ends = Array.from(this.#served.values(), (serving) => {
      const { end } = serving;
      serving.end = undefined;
      return end?.();
    });
    await Promise.all(ends);
  }

  open(): void {
    this.#isShut = false;
    for (const serving of this.#served.values()) serving.end ??= serving.begin();
  }

  /** What a node that serves the shard answers; a refusal if none does, or if it does not answer in time. */
  async pass(shard: Shard, { operation, body, caller }: Request): Promise<Answer | Refusal> {
    const { dialect, certain, invite, id } = caller;
    const about = {
      operation,
      dialect,
      certain: String(certain),
      ...(invite !== undefined && { invite }),
      ...(id !== undefined && { id }),
    };
    try {
      return answerOf(await this.relay.ask(shard, QUESTION, { data: body, about }, this.patienceMs));
    } catch (error) {
      if (error instanceof ShardNotServedError) return { kind: 'shard-not-served', shard };
      // It may have been carried out. The same request, sent again, gets the receipt that was lost.
      return { kind: 'unavailable', why: error instanceof Error ? error.message : String(error), elsewhere: true };
    }
  }
}

const QUESTION = 'request';
/** How long another node may take, in ms: less than a door gives its own, and than any client waits. */
const PATIENCE_MS = 8_000;

const About = z.object({
  operation: z.enum(operations),
  dialect: Dialect,
  certain: z.enum(['true', 'false']).transform((text) => text === 'true'),
  invite: z.string().optional(),
  id: z.string().max(64).optional(),
});

const parcelOf = ({ status, reason, body }: Answer): Parcel => ({
  data: Buffer.from(JSON.stringify(body)),
  about: { status: String(status), ...(reason !== undefined && { reason }) },
});

const AnswerAbout = z.object({ status: z.coerce.number().int().min(200).max(599), reason: z.string().optional() });
const Body = z.record(z.string(), z.unknown());

/** A newer node may know reasons that this one does not: they are only handed on. */
function answerOf({ data, about }: Parcel): Answer {
  const { status, reason } = AnswerAbout.parse(about);
  const body = Body.parse(parseJson(data));
  return {
    status,
    body,
    relayed: true,
    ...(reason !== undefined && { reason: reason as NonNullable<Answer['reason']> }),
  };
}
