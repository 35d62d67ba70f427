import type { AppointmentId, Shard, UserId } from './ids.js';

/**
 * Whose decisions a commit holds. One aggregate is one subject of the log, because what an append expects is the last
 * message of its exact subject.
 */
export type Aggregate =
  | { readonly kind: 'chain' }
  | { readonly kind: 'user'; readonly id: UserId }
  | { readonly kind: 'tracker'; readonly id: AppointmentId }
  | { readonly kind: 'scan' };

export const chainAggregate: Aggregate = { kind: 'chain' };
export const scanAggregate: Aggregate = { kind: 'scan' };
export const userAggregate = (id: UserId): Aggregate => ({ kind: 'user', id });
export const trackerAggregate = (id: AppointmentId): Aggregate => ({ kind: 'tracker', id });

/** The name of an aggregate in a commit: `chain`, `scan`, `user/<id>` or `tracker/<id>`. */
export const aggregateName = (aggregate: Aggregate): string =>
  'id' in aggregate ? `${aggregate.kind}/${aggregate.id}` : aggregate.kind;

const NAME = /^(?:(chain)|(scan)|user\/(0[23][0-9a-f]{64})|tracker\/([0-9a-f]{40}))$/;

/** The aggregate of that name; undefined if there is no such. */
export function parseAggregate(name: string): Aggregate | undefined {
  const [, chain, scan, user, tracker] = NAME.exec(name) ?? [];
  if (chain) return chainAggregate;
  if (scan) return scanAggregate;
  if (user) return userAggregate(user as UserId);
  if (tracker) return trackerAggregate(tracker as AppointmentId);
  return undefined;
}

/** The NATS subject of an aggregate: `argus.chain`, or `argus.<shard>.` and the aggregate's name with dots. */
export function aggregateSubject(aggregate: Aggregate, shard: Shard): string {
  switch (aggregate.kind) {
    case 'chain':
      return 'argus.chain';
    case 'scan':
      return `argus.${shard}.scan`;
    default:
      return `argus.${shard}.${aggregate.kind}.${aggregate.id}`;
  }
}
