import type { Height, UserId } from '../../events/ids.js';
import type { Dialect } from '../../events/signing/receipts.js';
import type { Refusal } from '../outcomes.js';
import { type Register, type UserOutcome, userDecider } from './decisions.js';
import { loadUser } from './loaded-user.js';
import type { GatekeeperNeeds } from './needs.js';
import { Receipts } from './receipts.js';

export interface Registration {
  readonly userId: UserId;
  readonly dialect: Dialect;
  /** The token that the request came with, if it did. */
  readonly invite: string | undefined;
  readonly height: Height;
  /** In ms of `performance.now()`. */
  readonly deadline: number;
}

/** Decides a registration and appends what comes of it; the receipts are those of the decision. */
export type Append = (command: () => Register, receipts: Receipts) => Promise<UserOutcome>;

/**
 * A registration, from the wish to the receipt: whether it would be granted at all, then whether its user may, by an invite
 * or the operator's list where the tower asks for that, then the commit. So what is refused anyhow takes up no invite.
 */
export async function register(
  { userId, dialect, invite, height, deadline }: Registration,
  { fold, bookings, terms, users, admit, sign: signReceipt, ...needs }: GatekeeperNeeds,
  append: Append,
): Promise<UserOutcome | Refusal> {
  const { slots, duration, maxUsers: limit, maxSlots: mostSlots } = terms;
  const receipts = new Receipts(signReceipt);
  const { sign } = receipts;
  const command = (admission: Register['admission']): Register => {
    const full = users() >= limit;
    const given = { slots, duration, mostSlots, identity: needs.identity?.() };
    return { kind: 'register', userId, dialect, height, ...given, full, limit, admission, sign };
  };
  const left = () => deadline - performance.now();
  const known = await loadUser(fold.state, userId, 'none', bookings, left());
  const dry = userDecider.decide(command({ kind: 'admitted' }), known.state);
  const [wanted] = dry.events;
  if (!wanted) return dry.outcome;
  const isNew = wanted.type === 'UserRegistered';
  const admission = await admit({ userId, isNew, invite, height, patience: left() });
  if (admission.kind !== 'admitted') return admission;
  const as = isNew ? admission : 'renewal';
  return receipts.settled(() => append(() => command(as), receipts));
}
