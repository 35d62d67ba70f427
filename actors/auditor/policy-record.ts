import { aggregateName, aggregateSubject, isPolicy } from '../../events/aggregate.js';
import { UnknownEventError } from '../../events/codec.js';
import { DamagedCommitError, decodeCommit, type PolicyCommit } from '../../events/commit.js';
import type { InviteId, Shard, UserId } from '../../events/ids.js';
import type { AdmittedBy, AllowListEvent, InviteCreated, InviteEvent, LimitsEvent } from '../../events/policy.js';
import type { AuditMessage } from './audit-source.js';
import type { ChainRecord } from './chain-record.js';
import type { Complain } from './findings.js';
import { CROSSING_MS, checkHeight, type Place } from './shard-context.js';

interface InviteRecord {
  readonly terms: InviteCreated;
  /** Whom it let in, and when, in ms. */
  readonly users: Map<UserId, number>;
  revoked: number | undefined;
}

/** From when on a user was on the list, and until when, in ms. */
interface Listing {
  readonly from: number;
  until: number;
}

/**
 * The invites and the list, as `POLICY` has them: whether each commit is what the Doorkeeper would have decided, so that no invite
 * let in more users than it has uses; and whether a user was let in by what its registration names.
 *
 * What was asked of newcomers at a time is configuration, of which the log tells nothing: a registration that names nothing is one
 * of a tower that was open.
 */
export class PolicyRecord {
  readonly #invites = new Map<InviteId, InviteRecord>();
  readonly #listings = new Map<UserId, Listing[]>();
  readonly #limits = new Map<string, number>();

  apply({ data, position, subject }: AuditMessage, chain: ChainRecord, complain: Complain): void {
    const commit = readCommit(data, subject, complain);
    if (!commit) return;
    const place = { position, time: Date.parse(commit.time), chain, complain };
    if (commit.aggregate.kind === 'invite') {
      if (commit.events.length !== 1) complain('commit', 'no one decision about an invite comes to these events');
      for (const event of commit.events) this.#invite(commit.aggregate.id, event as InviteEvent, place);
    } else if (commit.aggregate.kind === 'limits')
      for (const event of commit.events) this.#setLimits(event as LimitsEvent, place);
    else for (const event of commit.events) this.#list(event as AllowListEvent, place);
  }

  /** What is wrong with what a registration of that time says of how its user was let in; undefined if it bears out. */
  wrongWith(by: AdmittedBy, userId: UserId, time: number): string | undefined {
    if (by === 'allow-list') {
      const listings = this.#listings.get(userId) ?? [];
      const wasListed = listings.some(({ from, until }) => from <= time + CROSSING_MS && time <= until + CROSSING_MS);
      return wasListed ? undefined : 'the user was not on the list by then';
    }
    const invite = this.#invites.get(by.inviteId);
    const used = invite?.users.get(userId);
    if (!invite || used === undefined) return `invite ${by.inviteId} never let the user in`;
    if (used > time + CROSSING_MS) return `invite ${by.inviteId} let the user in only later`;
    const { revoked = Number.POSITIVE_INFINITY } = invite;
    return time > revoked + CROSSING_MS ? `invite ${by.inviteId} was revoked by then` : undefined;
  }

  #invite(id: InviteId, event: InviteEvent, place: Place): void {
    const { complain, time } = place;
    const invite = this.#invites.get(id);
    if (event.type === 'InviteCreated') {
      if (invite) complain('invite', 'there is an invite of that id already');
      else this.#invites.set(id, { terms: event, users: new Map(), revoked: undefined });
    } else if (!invite) complain('invite', 'there is no such invite');
    else if (event.type === 'InviteUsed') use(invite, event, place);
    else {
      if (invite.revoked !== undefined) complain('invite', 'the invite is revoked already');
      invite.revoked ??= time;
    }
  }

  #setLimits({ limits }: LimitsEvent, { complain }: Place): void {
    for (const [name, value] of Object.entries(limits)) {
      if ((this.#limits.get(name) ?? null) === value) complain('limits', `${name} was ${value} already`);
      if (typeof value === 'number') this.#limits.set(name, value);
      else this.#limits.delete(name);
    }
  }

  #list({ type, userId }: AllowListEvent, { time, complain }: Place): void {
    const listings = this.#listings.get(userId) ?? [];
    const last = listings.at(-1);
    const isListed = last?.until === Number.POSITIVE_INFINITY;
    if (isListed === (type === 'UserAllowed'))
      complain('list', `user ${userId} is ${isListed ? '' : 'not '}on the list`);
    if (type === 'UserAllowed')
      this.#listings.set(userId, [...listings, { from: time, until: Number.POSITIVE_INFINITY }]);
    else if (last) last.until = time;
  }
}

function use({ terms, users, revoked }: InviteRecord, event: InviteEvent & { type: 'InviteUsed' }, place: Place): void {
  const { complain, time } = place;
  const { userId, height } = event;
  const { uses, expiryHeight, expiryTime } = terms;
  checkHeight(height, place);
  if (revoked !== undefined) complain('invite', 'the invite was revoked before');
  if (users.has(userId)) complain('invite', 'the invite let that user in before');
  else if (users.size >= uses) complain('invite', `the invite is for ${uses}, and that many were let in before`);
  if (expiryHeight !== null && height >= expiryHeight)
    complain('expiry', `the invite was over at height ${expiryHeight}`);
  // When it was decided is a little before the time of the commit.
  if (expiryTime !== null && time >= Date.parse(expiryTime) + CROSSING_MS)
    complain('expiry', `the invite was over at ${expiryTime}`);
  users.set(userId, time);
}

function readCommit(data: Uint8Array, subject: string, complain: Complain): PolicyCommit | undefined {
  try {
    const commit = decodeCommit(data);
    const { aggregate } = commit;
    if (isPolicy(aggregate) && aggregateSubject(aggregate, 0 as Shard) === subject) return commit as PolicyCommit;
    complain('subject', `a commit of ${aggregateName(aggregate)} on ${subject}`);
  } catch (error) {
    if (!(error instanceof DamagedCommitError || error instanceof UnknownEventError)) throw error;
    complain('commit', error.message);
  }
  return undefined;
}
