import { z } from 'zod';
import { Locator, type Shard, UserId } from '../../events/ids.js';
import { parseJson } from '../../events/json.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Booked } from '../../projections/watchlist.js';
import type { Found } from '../bookings.js';
import type { Served, ShardRelay } from '../runtime/shard-relay.js';
import {
  type ListedAppointment,
  listedAppointment,
  type Page,
  pageByLocator,
  pageOfAppointments,
  pageOfTrackers,
  pageOfUser,
  pageOfUsers,
} from './pages.js';
import { type Signed, shardNumbers } from './shard-numbers.js';

const whole = z.number().int().min(0);
const span = { from: z.object({ index: whole, shown: whole }), limit: z.number().int().min(1) };

/** What one shard may be asked. JSON, since the question may go to another node. */
const ShardQuestion = z.discriminatedUnion('what', [
  z.object({ what: z.literal('numbers') }),
  z.object({ what: z.literal('users'), ...span }),
  z.object({ what: z.literal('trackers'), ...span }),
  /** Of a user, under a locator, or all. */
  z.object({ what: z.literal('appointments'), ...span, locator: Locator.optional(), userId: UserId.optional() }),
  z.object({ what: z.literal('user'), userId: UserId }),
]);
export type ShardQuestion = z.infer<typeof ShardQuestion>;

/**
 * The ShardDesk: what the operator asks of one shard, answered from its folded state, and appointments from its
 * log, here or by a node that serves it.
 *
 *   OperatorDesk --numbers, users, user, appointments, trackers--> ShardDesk --> folded state, log
 *                                                                      +-------> ShardDesk of another node
 */
export class ShardDesk {
  constructor(private readonly needs: ShardDeskNeeds) {}

  /** From now on other nodes' questions about a shard are answered. Call what is returned to end that. */
  serve(shard: Shard): Served {
    return this.needs.relay.serve(shard, QUESTION, async ({ data }) => {
      const question = ShardQuestion.parse(parseJson(data));
      const local = this.needs.local(shard);
      if (!local) throw new Error(`shard ${shard} is not running any more`);
      return { data: Buffer.from(JSON.stringify(await this.#answer(shard, local, question))) };
    });
  }

  /** The answer of a shard. Rejects with `ShardNotServedError` or `ShardSilentError` if it is not to be had. */
  async ask(shard: Shard, question: ShardQuestion): Promise<unknown> {
    const local = this.needs.local(shard);
    if (local) return this.#answer(shard, local, question);
    const asked = { data: Buffer.from(JSON.stringify(question)) };
    const { data } = await this.needs.relay.ask(shard, QUESTION, asked, PATIENCE_MS);
    return parseJson(data);
  }

  async #answer(shard: Shard, local: LocalShard, question: ShardQuestion): Promise<object | null> {
    const { chain } = this.needs;
    const { state } = local.fold;
    switch (question.what) {
      case 'numbers':
        return shardNumbers(shard, state, chain, local.signed);
      case 'users':
        return pageOfUsers(state, question);
      case 'trackers':
        return chain.tip ? pageOfTrackers(state, question, chain.tip.height) : { items: [], next: null };
      case 'appointments':
        return appointments(local, question);
      case 'user':
        return user(state, question.userId);
    }
  }
}

async function appointments(
  local: LocalShard,
  { locator, userId, ...span }: Extract<ShardQuestion, { what: 'appointments' }>,
): Promise<Page<ListedAppointment>> {
  const { state } = local.fold;
  if (!locator) return read(local, userId ? pageOfUser(state, span, userId) : pageOfAppointments(state, span));
  const { items, next } = await read(local, pageByLocator(state, span, locator));
  return { items: items.filter((one) => one.locator === locator), next };
}

/** A page of appointments as they are on the log. */
async function read(local: LocalShard, { items, next }: Page<Booked>): Promise<Page<ListedAppointment>> {
  const found = await Promise.all(items.map((booked) => local.read(booked)));
  return { items: found.map((one) => listedAppointment(local.fold.state, one)), next };
}

function user(shard: ShardState, userId: UserId): object | null {
  const { state } = shard.user(userId);
  if (state.status !== 'registered') return null;
  return {
    user_id: userId,
    dialect: state.dialect,
    available_slots: state.slots,
    subscription_start: state.start,
    subscription_expiry: state.expiry,
  };
}

const QUESTION = 'operator';
/** How long another node may take, in ms: less than the operator waits. */
const PATIENCE_MS = 3_000;

export interface ShardDeskNeeds {
  readonly relay: Pick<ShardRelay, 'serve' | 'ask'>;
  readonly chain: BlockWindow;
  /** A shard that this node serves. */
  readonly local: (shard: Shard) => LocalShard | undefined;
}

export interface LocalShard {
  readonly fold: { readonly state: ShardState };
  readonly signed: Signed | undefined;
  /** An appointment of its state, as it is on the log. Rejects with `LogUnavailableError`. */
  read(booked: Booked): Promise<Found>;
}
