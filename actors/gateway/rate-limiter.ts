import type { UserId } from '../../events/ids.js';
import type { Refusal } from '../outcomes.js';
import type { Source } from './http-source.js';
import type { Operation } from './requests.js';
import { TokenBuckets } from './token-buckets.js';

export type RateLimited = Extract<Refusal, { readonly kind: 'rate-limited' }>;

/** How much this node takes; 0 for no limit. It may change while requests are counted. */
export interface Rates {
  /** Of one user. */
  readonly userRequestsPerSecond: number;
  /** From one source. */
  readonly sourceRequestsPerSecond: number;
  readonly registrationsPerMinute: number;
}

/**
 * How many requests are looked at of each source, before anything is made of them, and of each user, once the signature tells
 * who that is. Each node counts for itself, and forgets it when it ends.
 *
 * Whoever comes no faster than that on average never notices: ten seconds' worth may come at once, as they do when a client
 * catches up with what it could not send.
 */
export class RateLimiter {
  readonly #users: TokenBuckets;
  readonly #sources: TokenBuckets;
  readonly #registrations: TokenBuckets;

  constructor(rates: Rates, now: () => number = () => performance.now()) {
    const buckets = (rate: () => number, size: () => number) =>
      new TokenBuckets({
        now,
        get rate() {
          return rate();
        },
        get size() {
          return size();
        },
      });
    const perSecond = (rate: () => number) =>
      buckets(
        () => rate() / 1000,
        () => BURST_S * rate(),
      );
    this.#users = perSecond(() => rates.userRequestsPerSecond);
    this.#sources = perSecond(() => rates.sourceRequestsPerSecond);
    this.#registrations = buckets(
      () => rates.registrationsPerMinute / 60_000,
      () => rates.registrationsPerMinute,
    );
  }

  /**
   * A request came from there; undefined if it may go on. Of a source that many share only registrations are counted: else one of
   * them could keep the others from adding their appointments.
   */
  ofSource(operation: Operation, source: Source | undefined): RateLimited | undefined {
    if (source === undefined) return undefined;
    const tooMany = source.isShared ? undefined : refusalOf(this.#sources.take(source.name));
    return tooMany ?? (operation === 'register' ? refusalOf(this.#registrations.take(source.name)) : undefined);
  }

  /** A request is of that user; undefined if it may go on. */
  ofUser(userId: UserId): RateLimited | undefined {
    return refusalOf(this.#users.take(userId));
  }
}

const BURST_S = 10;

const refusalOf = (retryMs: number): RateLimited | undefined =>
  retryMs > 0 ? { kind: 'rate-limited', retryMs } : undefined;
