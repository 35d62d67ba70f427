import type { Logger } from 'pino';
import { allowListAggregate, inviteAggregate, limitsAggregate } from '../../events/aggregate.js';
import type { PolicyCommit } from '../../events/commit.js';
import type { InviteId, UserId } from '../../events/ids.js';
import { LogUnavailableError } from '../../events/log/errors.js';
import { type AdmittedBy, InviteToken, inviteIdOf } from '../../events/policy.js';
import type { Fold } from '../../projections/fold.js';
import type { Invite, LimitsState, PolicyState } from '../../projections/policy.js';
import type { Admission, Applicant, Refusal, RegistrationPolicy } from '../outcomes.js';
import { KeyedMailbox } from '../runtime/mailbox.js';
import type { Transactor } from '../runtime/transact.js';
import {
  type AllowListCommand,
  allowListDecider,
  type InviteCommand,
  type InviteOutcome,
  type InviteTerms,
  inviteDecider,
  type LimitsCommand,
  limitsDecider,
} from './decisions.js';

/**
 * The Doorkeeper: who may register, and renew. One message at a time for each invite.
 *
 *   Gatekeeper --who wants to register, with which invite--> Doorkeeper --InviteUsed--> POLICY
 *   operator desk --an invite, the list-------------------->     |      --InviteCreated, InviteRevoked, UserAllowed ...
 *                                           fold of POLICY ----->+
 *
 * takes   admit            whether somebody may register, by the policy that this node is configured with
 *         createInvite, revokeInvite, allow, disallow   what the operator decides
 *         changeLimits     what the operator sets for the whole tower
 * emits   every event of an invite, of the list and of the limits
 *
 * An invite's use is on the log before the registration that it lets in is: of two users who come with the last use of one,
 * on whatever nodes, one has it. If the node dies in between, that user asks again and has it still.
 */
export class Doorkeeper {
  readonly #lanes = new KeyedMailbox<InviteId | 'allow-list' | 'limits'>();

  constructor(private readonly needs: DoorkeeperNeeds) {}

  /** What is folded of the invites and of the list. */
  get state(): PolicyState {
    return this.needs.fold.state;
  }

  /**
   * Whether somebody may register, or renew. Whoever has a subscription renews it without an invite, since a rust client does
   * so by itself; but not who is not on the list, where that is what counts.
   *
   * Where not everybody may, it is decided level with the log: what the operator was told is done holds on every node. Rejects
   * with `LogUnavailableError`.
   */
  async admit(applicant: Applicant): Promise<Admission | Refusal> {
    const { policy } = this.needs;
    const { userId, isNew } = applicant;
    if (policy === 'open' || (policy === 'invite' && !isNew)) return { kind: 'admitted' };
    await this.level();
    if (this.state.allowList.state.has(userId)) return admitted('allow-list');
    return policy === 'allow' ? { kind: 'not-allowed' } : this.#useInvite(applicant);
  }

  /** Makes an invite. The token is made by whoever hands it out, and known to nobody else. */
  createInvite(id: InviteId, terms: InviteTerms): Promise<InviteOutcome> {
    return this.#ofInvite(id, { kind: 'create', terms }, OPERATOR_MS);
  }

  revokeInvite(id: InviteId): Promise<InviteOutcome> {
    return this.#ofInvite(id, { kind: 'revoke' }, OPERATOR_MS);
  }

  /** What there is of an invite; undefined if there is none. */
  invite(id: InviteId): Invite | undefined {
    const { state } = this.state.invite(id);
    return state.status === 'none' ? undefined : state;
  }

  /** Puts users on the list, or takes them off it; gives how many that changed. */
  async changeList(kind: AllowListCommand['kind'], userIds: readonly UserId[]): Promise<number> {
    await this.level();
    const { changed } = await this.#lanes.send('allow-list', () =>
      this.needs.transactor.transact({
        aggregate: allowListAggregate,
        read: (folded) => ({ ...folded.allowList, state: new Set(folded.allowList.state) }),
        decide: (state) => allowListDecider.decide({ kind, userIds }, state),
        patience: OPERATOR_MS,
      }),
    );
    return changed;
  }

  /** Sets limits of the tower; gives those that are set then. */
  async changeLimits(wanted: LimitsCommand): Promise<LimitsState> {
    await this.level();
    return this.#lanes.send('limits', () =>
      this.needs.transactor.transact({
        aggregate: limitsAggregate,
        read: (folded) => folded.limits,
        decide: (state) => limitsDecider.decide(wanted, state),
        patience: OPERATOR_MS,
      }),
    );
  }

  /** Resolves when this node knows all that was decided; rejects with `LogUnavailableError` if that takes too long. */
  async level(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new LogUnavailableError('the log did not answer in time')), LEVEL_MS);
    });
    try {
      await Promise.race([this.needs.fold.level(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #useInvite({ userId, invite, height, patience }: Applicant): Promise<Admission | Refusal> {
    if (invite === undefined) return { kind: 'invite-required' };
    const { data: token } = InviteToken.safeParse(invite);
    if (token === undefined) return { kind: 'invite-refused', why: 'unknown' };
    const inviteId = inviteIdOf(token);
    // Nobody makes this node wait, or remember anything, with tokens that there are none of.
    if (!this.invite(inviteId)) return { kind: 'invite-refused', why: 'unknown' };
    const used = await this.#ofInvite(inviteId, { kind: 'use', userId, height, now: Date.now() }, patience);
    if (used.kind !== 'done') return { kind: 'invite-refused', why: used.kind === 'no-entry' ? used.why : 'unknown' };
    this.needs.log.info({ user: userId, invite: inviteId }, 'a user was let in by an invite');
    return admitted({ inviteId });
  }

  #ofInvite(id: InviteId, command: InviteCommand, patience: number): Promise<InviteOutcome> {
    const deadline = performance.now() + patience;
    return this.#lanes.send(id, () =>
      this.needs.transactor.transact({
        aggregate: inviteAggregate(id),
        read: (folded) => folded.invite(id),
        decide: (state) => inviteDecider.decide(command, state),
        patience: deadline - performance.now(),
      }),
    );
  }
}

const admitted = (by: AdmittedBy): Admission => ({ kind: 'admitted', by });

/** How long the operator waits, in ms, and how long the log may take to say what is new. */
const OPERATOR_MS = 5_000;
const LEVEL_MS = 4_000;

export interface DoorkeeperNeeds {
  readonly fold: Fold<PolicyCommit, PolicyState>;
  readonly transactor: Transactor<PolicyState>;
  readonly policy: RegistrationPolicy;
  readonly log: Logger;
}
