import type { Decider, Decision } from '../../events/decider.js';
import type { Height, UserId } from '../../events/ids.js';
import type {
  AllowListEvent,
  InviteCreated,
  InviteEvent,
  LimitName,
  LimitsChanged,
  LimitsEvent,
} from '../../events/policy.js';
import {
  type AllowListState,
  evolveAllowList,
  evolveInvite,
  evolveLimits,
  type InviteState,
  type LimitsState,
  noInvite,
} from '../../projections/policy.js';

/** What the Doorkeeper may decide about an invite, and about the list of those who need none. Heights and times arrive in the command. */

/** What an invite is made with. */
export type InviteTerms = Omit<InviteCreated, 'type'>;

export type InviteCommand =
  | { readonly kind: 'create'; readonly terms: InviteTerms }
  /** A user wants to be let in by it. `now` is in ms since 1970, by the node's clock. */
  | { readonly kind: 'use'; readonly userId: UserId; readonly height: Height; readonly now: number }
  | { readonly kind: 'revoke' };

/** Why an invite lets somebody in no more. */
export type NoEntry = 'unknown' | 'used-up' | 'expired' | 'revoked';

export type InviteOutcome =
  | { readonly kind: 'done' }
  /** There is none, where there has to be one. */
  | { readonly kind: 'no-invite' }
  /** There is one of that id already, with other terms. */
  | { readonly kind: 'other-invite' }
  | { readonly kind: 'no-entry'; readonly why: NoEntry };

type Decided = Decision<InviteOutcome, InviteEvent>;

export const inviteDecider: Decider<InviteState, InviteCommand, InviteOutcome, InviteEvent> = {
  initialState: noInvite,
  evolve: evolveInvite,
  decide(command, state) {
    switch (command.kind) {
      case 'create':
        return create(command.terms, state);
      case 'use':
        return use(command, state);
      case 'revoke':
        return revoke(state);
    }
  },
};

const done = (...events: InviteEvent[]): Decided => ({ outcome: { kind: 'done' }, events });

const no = (why: NoEntry): Decided => ({ outcome: { kind: 'no-entry', why }, events: [] });

/** The very same again is the answer that was lost. */
function create(terms: InviteTerms, state: InviteState): Decided {
  if (state.status === 'none') return done({ type: 'InviteCreated', ...terms });
  const isSame = (['uses', 'expiryHeight', 'expiryTime', 'note'] as const).every((term) => terms[term] === state[term]);
  return isSame ? done() : { outcome: { kind: 'other-invite' }, events: [] };
}

/**
 * Whom it let in once it lets in again, as long as it is not revoked: the node may have died before the registration, or the
 * subscription may have run out since.
 */
function use({ userId, height, now }: InviteCommand & { kind: 'use' }, state: InviteState): Decided {
  if (state.status === 'none') return no('unknown');
  if (state.status === 'revoked') return no('revoked');
  if (state.users.has(userId)) return done();
  const { expiryHeight, expiryTime, uses } = state;
  const isOver =
    (expiryHeight !== null && height >= expiryHeight) || (expiryTime !== null && now >= Date.parse(expiryTime));
  if (isOver) return no('expired');
  if (state.users.size >= uses) return no('used-up');
  return done({ type: 'InviteUsed', userId, height });
}

function revoke({ status }: InviteState): Decided {
  if (status === 'none') return { outcome: { kind: 'no-invite' }, events: [] };
  return status === 'open' ? done({ type: 'InviteRevoked' }) : done();
}

export interface AllowListCommand {
  readonly kind: 'allow' | 'disallow';
  readonly userIds: readonly UserId[];
}

/** How many of them were not on the list before, or were. */
export interface AllowListOutcome {
  readonly changed: number;
}

export const allowListDecider: Decider<AllowListState, AllowListCommand, AllowListOutcome, AllowListEvent> = {
  initialState: () => new Set(),
  evolve: evolveAllowList,
  decide({ kind, userIds }, state) {
    const type = kind === 'allow' ? 'UserAllowed' : 'UserDisallowed';
    const changed = Array.from(new Set(userIds)).filter((userId) => state.has(userId) === (kind === 'disallow'));
    return { outcome: { changed: changed.length }, events: changed.map((userId) => ({ type, userId })) };
  },
};

/** What the operator sets; null for what is to be each node's own again. */
export type LimitsCommand = LimitsChanged['limits'];

/** Only what is another than before is on the log. */
export const limitsDecider: Decider<LimitsState, LimitsCommand, LimitsState, LimitsEvent> = {
  initialState: () => ({}),
  evolve: evolveLimits,
  decide(wanted, state) {
    const news = Object.entries(wanted)
      .filter(([name, value]) => value !== undefined && (state[name as LimitName] ?? null) !== value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    if (news.length === 0) return { outcome: state, events: [] };
    const event: LimitsEvent = { type: 'LimitsChanged', limits: Object.fromEntries(news) };
    return { outcome: evolveLimits(state, event), events: [event] };
  },
};
