import { z } from 'zod';
import { Locator, type Shard, UserId } from '../../events/ids.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Served, ShardRelay } from '../runtime/shard-relay.js';
import {
  type ListedAppointment,
  type Page,
  pageByLocator,
  pageOfAppointments,
  pageOfTrackers,
  pageOfUser,
  pageOfUsers,
} from './pages.js';
import { shardNumbers } from './shard-numbers.js';

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
 * The ShardDesk: what the operator asks of one shard, answered from its folded state, here or by a node that serves it.
 *
 *   OperatorDesk --numbers, users, user, appointments, trackers--> ShardDesk --> folded state
 *                                                                      +-------> ShardDesk of another node
 */
export class ShardDesk {
  constructor(private readonly needs: ShardDeskNeeds) {}

  /** From now on other nodes' questions about a shard are answered. Call what is returned to end that. */
  serve(shard: Shard): Served {
    return this.needs.relay.serve(shard, QUESTION, async ({ data }) => {
      const question = ShardQuestion.parse(JSON.parse(Buffer.from(data).toString('utf8')));
      const state = this.needs.local(shard);
      if (!state) throw new Error(`shard ${shard} is not running any more`);
      return { data: Buffer.from(JSON.stringify(this.#answer(shard, state, question))) };
    });
  }

  /** The answer of a shard. Rejects with `ShardNotServedError` or `ShardSilentError` if it is not to be had. */
  async ask(shard: Shard, question: ShardQuestion): Promise<unknown> {
    const state = this.needs.local(shard);
    if (state) return this.#answer(shard, state, question);
    const asked = { data: Buffer.from(JSON.stringify(question)) };
    const { data } = await this.needs.relay.ask(shard, QUESTION, asked, PATIENCE_MS);
    return JSON.parse(Buffer.from(data).toString('utf8'));
  }

  #answer(shard: Shard, state: ShardState, question: ShardQuestion): object | null {
    const { chain } = this.needs;
    switch (question.what) {
      case 'numbers':
        return shardNumbers(shard, state, chain);
      case 'users':
        return pageOfUsers(state, question);
      case 'trackers':
        return chain.tip ? pageOfTrackers(state, question, chain.tip.height) : { items: [], next: null };
      case 'appointments':
        return appointments(state, question);
      case 'user':
        return user(state, question.userId);
    }
  }
}

function appointments(
  state: ShardState,
  { locator, userId, ...span }: Extract<ShardQuestion, { what: 'appointments' }>,
): Page<ListedAppointment> {
  if (locator) return pageByLocator(state, span, locator);
  return userId ? pageOfUser(state, span, userId) : pageOfAppointments(state, span);
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
  /** The state of a shard that this node serves. */
  readonly local: (shard: Shard) => ShardState | undefined;
}
