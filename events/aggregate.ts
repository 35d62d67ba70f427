import type { AppointmentId, InviteId, Shard, UserId } from './ids.js';

/**
 * Whose decisions a commit holds. One aggregate is one subject of the log, because what an append expects is the last
 * message of its exact subject.
 */
export type Aggregate =
  | { readonly kind: 'chain' }
  | { readonly kind: 'user'; readonly id: UserId }
  | { readonly kind: 'tracker'; readonly id: AppointmentId }
  | { readonly kind: 'scan' }
  | { readonly kind: 'invite'; readonly id: InviteId }
  | { readonly kind: 'allow-list' }
  | { readonly kind: 'limits' };

export const chainAggregate: Aggregate = { kind: 'chain' };
export const scanAggregate: Aggregate = { kind: 'scan' };
export const userAggregate = (id: UserId): Aggregate => ({ kind: 'user', id });
export const trackerAggregate = (id: AppointmentId): Aggregate => ({ kind: 'tracker', id });

export const inviteAggregate = (id: InviteId): Aggregate => ({ kind: 'invite', id });
export const allowListAggregate: Aggregate = { kind: 'allow-list' };
export const limitsAggregate: Aggregate = { kind: 'limits' };

/** The name of an aggregate in a commit: `chain`, `scan`, `user/<id>`, `tracker/<id>`, `invite/<id>`, `allow-list` or `limits`. */
export const aggregateName = (aggregate: Aggregate): string =>
  'id' in aggregate ? `${aggregate.kind}/${aggregate.id}` : aggregate.kind;

const NAME =
  /^(?:(chain)|(scan)|(allow-list)|(limits)|user\/(0[23][0-9a-f]{64})|tracker\/([0-9a-f]{40})|invite\/([0-9a-f]{32}))$/;

/** The aggregate of that name; undefined if there is no such. */
export function parseAggregate(name: string): Aggregate | undefined {
  const [, chain, scan, allowList, limits, user, tracker, invite] = NAME.exec(name) ?? [];
  if (chain) return chainAggregate;
  if (scan) return scanAggregate;
  if (allowList) return allowListAggregate;
  if (limits) return limitsAggregate;
  if (user) return userAggregate(user as UserId);
  if (tracker) return trackerAggregate(tracker as AppointmentId);
  if (invite) return inviteAggregate(invite as InviteId);
  return undefined;
}

/** Whether an aggregate is of no shard, but of what the operator decides for the whole tower. */
export const isPolicy = ({ kind }: Aggregate): boolean =>
  kind === 'invite' || kind === 'allow-list' || kind === 'limits';

/**
 * The NATS subject of an aggregate: `argus.chain`, or `argus.<shard>.` (`argus.policy.` for what is of no shard) and the
 * aggregate's name with dots.
 */
export function aggregateSubject(aggregate: Aggregate, shard: Shard): string {
  switch (aggregate.kind) {
    case 'chain':
      return 'argus.chain';
    case 'scan':
      return `argus.${shard}.scan`;
    case 'allow-list':
    case 'limits':
      return `argus.policy.${aggregate.kind}`;
    case 'invite':
      return `argus.policy.${aggregate.kind}.${aggregate.id}`;
    default:
      return `argus.${shard}.${aggregate.kind}.${aggregate.id}`;
  }
}
