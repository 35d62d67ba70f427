import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import type { Locator, UserId } from '../../events/ids.js';
import { appointmentId } from '../../events/signing/appointment.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import { isLive } from '../../projections/tracker.js';
import type { Subscription } from '../../projections/user.js';
import type { Bookings } from '../bookings.js';
import type { Placed, Refusal, Shown, SubscriptionInfo } from '../outcomes.js';

/** What users may see of their own: a user with a subscription that is not over. */

export const noChain: Refusal = { kind: 'unavailable', why: 'the tower has not seen the chain yet' };

export interface AccountNeeds {
  readonly fold: Pick<Fold<ShardCommit, ShardState>, 'state'>;
  readonly chain: Pick<Fold<ChainCommit, BlockWindow>, 'state'>;
}

export interface ShownNeeds extends AccountNeeds {
  readonly bookings: Pick<Bookings, 'of' | 'locators'>;
}

/** One appointment. Rejects with `LogUnavailableError` if it could not be read within `patience` ms. */
export async function showAppointment(
  needs: ShownNeeds,
  userId: UserId,
  locator: Locator,
  patience: number,
): Promise<Shown | Refusal> {
  const account = accountOf(needs, userId);
  if (account.kind !== 'account') return account;
  const { state: shard } = needs.fold;
  const id = appointmentId(locator, userId);
  const booked = shard.booked({ appointmentId: id, locator });
  if (booked?.status !== 'live') return { kind: 'appointment-not-found' };
  const { state } = shard.tracker(id);
  if (isLive(state) && 'penalty' in state && state.penalty)
    return { kind: 'responded', locator, disputeTxid: state.disputeTxid, penalty: state.penalty };
  const { blob, toSelfDelay } = await needs.bookings.of(id, booked, patience);
  return { kind: 'watched', locator, blob, toSelfDelay };
}

/** Where the log has an appointment. */
export function placeAppointment(needs: AccountNeeds, userId: UserId, locator: Locator): Placed | Refusal {
  const account = accountOf(needs, userId);
  if (account.kind !== 'account') return account;
  const booked = needs.fold.state.booked({ appointmentId: appointmentId(locator, userId), locator });
  return booked?.status === 'live' ? { kind: 'placed', position: booked.position } : { kind: 'appointment-not-found' };
}

/** The subscription, with every locator. Rejects with `LogUnavailableError` if the log did not answer in time. */
export async function showSubscription(
  needs: ShownNeeds,
  userId: UserId,
  patience: number,
): Promise<SubscriptionInfo | Refusal> {
  const account = accountOf(needs, userId);
  if (account.kind !== 'account') return account;
  const { slots, expiry } = account.subscription;
  const live = Array.from(needs.fold.state.bookedBy(userId)).filter(({ status }) => status === 'live');
  return { kind: 'subscription', slots, expiry, locators: await needs.bookings.locators(userId, live, patience) };
}

function accountOf(
  { fold, chain }: AccountNeeds,
  userId: UserId,
): { kind: 'account'; subscription: Subscription } | Refusal {
  const { state } = fold.state.user(userId);
  const height = chain.state.tip?.height;
  if (height === undefined) return noChain;
  if (state.status !== 'registered') return { kind: 'authentication-failed' };
  if (height >= state.expiry) return { kind: 'subscription-expired', expiry: state.expiry };
  return { kind: 'account', subscription: state };
}
