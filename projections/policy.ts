import type { AllowListCommit, InviteCommit, LimitsCommit, PolicyCommit, Recorded } from '../events/commit.js';
import type { Height, InviteId, Position, UserId } from '../events/ids.js';
import type { AllowListEvent, InviteEvent, LimitName, LimitsEvent } from '../events/policy.js';
import type { Versioned } from './shard-state.js';

/** Whom the operator lets in: the fold of every invite, and of the list of users who need none. */

export type InviteState =
  | { readonly status: 'none' }
  | {
      readonly status: 'open' | 'revoked';
      readonly uses: number;
      readonly expiryHeight: Height | null;
      /** RFC 3339, in UTC. */
      readonly expiryTime: string | null;
      readonly note: string | null;
      /** Whom it let in. It is changed in place. */
      readonly users: Set<UserId>;
    };
export type Invite = Exclude<InviteState, { readonly status: 'none' }>;

export const noInvite = (): InviteState => ({ status: 'none' });

/** The state after an event. It takes over the state that it is given. */
export function evolveInvite(state: InviteState, event: InviteEvent): InviteState {
  switch (event.type) {
    case 'InviteCreated': {
      const { uses, expiryHeight, expiryTime, note } = event;
      return { status: 'open', uses, expiryHeight, expiryTime, note, users: new Set() };
    }
    case 'InviteUsed':
      return state.status === 'none' ? state : { ...state, users: state.users.add(event.userId) };
    case 'InviteRevoked':
      return state.status === 'none' ? state : { ...state, status: 'revoked' };
  }
}

/** The users who need no invite, in the order in which they were put on the list. It is changed in place. */
export type AllowListState = Set<UserId>;

export function evolveAllowList(state: AllowListState, event: AllowListEvent): AllowListState {
  if (event.type === 'UserAllowed') return state.add(event.userId);
  state.delete(event.userId);
  return state;
}

/** The limits that the operator set for the whole tower. */
export type LimitsState = Readonly<Partial<Record<LimitName, number>>>;

export function evolveLimits(state: LimitsState, { limits }: LimitsEvent): LimitsState {
  const after = Object.entries({ ...state, ...limits }).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(after);
}

/** All that was decided of no shard. */
export class PolicyState {
  readonly #invites = new Map<InviteId, Versioned<InviteState>>();
  #allowed: AllowListState = new Set();
  #allowedVersion: Position = 0;
  #limits: Versioned<LimitsState> = { state: {}, version: 0 };
  /** The position of the last folded commit. */
  position: Position = 0;

  invite(id: InviteId): Versioned<InviteState> {
    return this.#invites.get(id) ?? { state: noInvite(), version: 0 };
  }

  /** All invites that were ever made, oldest first. */
  *invites(): Generator<[InviteId, Invite]> {
    for (const [id, { state }] of this.#invites) if (state.status !== 'none') yield [id, state];
  }

  get allowList(): Versioned<ReadonlySet<UserId>> {
    return { state: this.#allowed, version: this.#allowedVersion };
  }

  get limits(): Versioned<LimitsState> {
    return this.#limits;
  }

  apply(commit: Recorded<PolicyCommit>): void {
    const { position } = commit;
    if (commit.aggregate.kind === 'invite') {
      const { aggregate, events } = commit as Recorded<InviteCommit>;
      const state = events.reduce(evolveInvite, this.invite(aggregate.id).state);
      this.#invites.set(aggregate.id, { state, version: position });
    } else if (commit.aggregate.kind === 'limits') {
      const { events } = commit as Recorded<LimitsCommit>;
      this.#limits = { state: events.reduce(evolveLimits, this.#limits.state), version: position };
    } else {
      this.#allowed = (commit as Recorded<AllowListCommit>).events.reduce(evolveAllowList, this.#allowed);
      this.#allowedVersion = position;
    }
    this.position = position;
  }
}
