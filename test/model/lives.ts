import type { Height } from '../../events/ids.js';
import type { AppointmentAccepted, AppointmentEnded } from '../../events/user.js';
import type { Block } from './block-tree.js';
import { allDisputes, type Dispute, offerOf } from './transactions.js';
import type { World } from './world.js';

/** One life of an appointment, from its first acceptance to its end, as the log tells it. */
export interface Life {
  readonly id: string;
  readonly accepted: { readonly at: number; readonly event: AppointmentAccepted }[];
  /**
   * When and why it ended. If its subscription was outdated: at which height, and when the log's chain had come to that
   * first; a reorg after that gives nobody more time.
   */
  end?: { readonly at: number; readonly reason: AppointmentEnded['reason']; height?: Height; overAt?: number };
}

/** Every life of every appointment, in the order of their beginnings. */
export function livesOf({ stored }: World): Life[] {
  const all: Life[] = [];
  const now = new Map<string, Life>();
  const expired = new Map<string, Life[]>();
  const reached: { readonly at: number; readonly height: number }[] = [];
  for (const { at, commit } of stored) {
    for (const event of commit.events) if (event.type === 'BlockConnected') reached.push({ at, height: event.height });
    if (commit.aggregate.kind !== 'user') continue;
    const user = commit.aggregate.id;
    for (const event of commit.events) {
      if (event.type === 'AppointmentAccepted') {
        const life = now.get(event.appointmentId) ?? { id: event.appointmentId, accepted: [] };
        if (life.accepted.length === 0) all.push(life);
        life.accepted.push({ at, event });
        now.set(event.appointmentId, life);
      } else if (event.type === 'AppointmentEnded') {
        const life = now.get(event.appointmentId);
        now.delete(event.appointmentId);
        if (life) life.end = { at, reason: event.reason };
        if (life && event.reason === 'expired') expired.set(user, [...(expired.get(user) ?? []), life]);
      } else if (event.type === 'SubscriptionOutdated') {
        for (const { accepted, end } of expired.get(user) ?? []) {
          const since = accepted[0]?.at ?? at;
          const over = reached.find(({ at, height }) => at > since && height >= event.height);
          if (end) Object.assign(end, { height: event.height, overAt: over?.at ?? since });
        }
        expired.delete(user);
      }
    }
  }
  return all;
}

/**
 * The dispute that an appointment waits for: found by its locator, under its scheme. Undefined if there is none, also where
 * a client sent a locator of one scheme after it had changed to the other: then nothing is owed to it.
 */
export const awaited = ({ accepted }: Life): Dispute | undefined =>
  allDisputes.find((dispute) =>
    accepted.every(({ event }) => offerOf(event.scheme, dispute, 0).locator === event.locator),
  );

/** When the log connected each block, each time. */
export function connections({ stored }: World): Map<string, number[]> {
  const all = new Map<string, number[]>();
  for (const { at, commit } of stored)
    for (const event of commit.events)
      if (event.type === 'BlockConnected') all.set(event.hash, [...(all.get(event.hash) ?? []), at]);
  return all;
}

/** The blocks of a chain that hold a transaction of interest, highest first. */
export function* busyBlocks(tip: Block): Generator<Block> {
  for (let block: Block | undefined = tip; block; block = block.prev) if (block.txs.length > 0) yield block;
}
