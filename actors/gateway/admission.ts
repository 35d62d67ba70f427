import { groupsOf } from './ip-address.js';

/**
 * Whether the HTTP doors take connections.
 *
 * A rust client understands no "later": whatever it is told but a receipt or code 7, it files the appointment as invalid
 * for ever, and only a refused connection makes it keep the appointment and try again by itself (teos-protocol B10, D4). So
 * while the tower cannot accept, nobody gets in: when its log is out of reach, when it has not seen the chain yet, when
 * there are as many inside as it serves, and when it is about to stop.
 */
export class Admission {
  #inside = 0;
  readonly #ofSource = new Map<string, number>();
  #crowded = false;
  /** Until when nobody is let in because the tower had to say that it cannot accept; in ms of `performance.now()`. */
  #shutUntil = 0;
  #pause = FIRST_PAUSE_MS;
  #closed = false;
  readonly #doors = new Set<(open: boolean) => void>();
  readonly #clock: NodeJS.Timeout;

  constructor(private readonly needs: AdmissionNeeds) {
    this.#clock = setInterval(() => this.review(), REVIEW_MS);
  }

  get isOpen(): boolean {
    return !this.#closed && !this.#crowded && performance.now() >= this.#shutUntil && this.needs.isAble();
  }

  /** From now on a door hears, again and again, whether it is open. */
  add(door: (open: boolean) => void): void {
    this.#doors.add(door);
  }

  /** Whether as many are inside as may be: then who says nothing has little time. */
  get isCrowded(): boolean {
    return this.#crowded;
  }

  /** A connection was made, from an address. False if there are as many from there as may be: it has to go, and is not counted. */
  entered(address: string | undefined): boolean {
    const source = sourceOf(address);
    const others = source === undefined ? 0 : (this.#ofSource.get(source) ?? 0);
    if (others >= this.needs.mostOfSource) return false;
    if (source !== undefined) this.#ofSource.set(source, others + 1);
    this.#inside++;
    this.#count();
    return true;
  }

  /** One that had entered is gone. */
  left(address: string | undefined): void {
    const source = sourceOf(address);
    const others = source === undefined ? 0 : (this.#ofSource.get(source) ?? 0) - 1;
    if (source !== undefined && others > 0) this.#ofSource.set(source, others);
    else if (source !== undefined) this.#ofSource.delete(source);
    this.#inside--;
    this.#count();
  }

  /** A request was answered: with `unavailable` where the tower could not do its part. */
  answered(reason: string | undefined): void {
    if (reason === 'unavailable') {
      if (performance.now() < this.#shutUntil) return;
      this.#shutUntil = performance.now() + this.#pause;
      this.#pause = Math.min(2 * this.#pause, MOST_PAUSE_MS);
      this.review();
    } else if (performance.now() >= this.#shutUntil) this.#pause = FIRST_PAUSE_MS;
  }

  /** Lets the doors know how things stand now. */
  review(): void {
    const open = this.isOpen;
    for (const door of this.#doors) door(open);
  }

  /** Nobody is let in any more. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#clock);
    this.review();
  }

  #count(): void {
    const { mostInside } = this.needs;
    const crowded = this.#inside >= (this.#crowded ? mostInside / 2 : mostInside);
    if (crowded === this.#crowded) return;
    this.#crowded = crowded;
    this.review();
  }
}

export interface AdmissionNeeds {
  /** Whether the tower can accept appointments now, as far as it knows. */
  readonly isAble: () => boolean;
  /** How many connections there may be; at that number the doors close until half of them are gone. */
  readonly mostInside: number;
  /** How many of them may come from one source. */
  readonly mostOfSource: number;
}

/**
 * Whom a connection's address belongs to, as far as can be told: an IPv4 address, or the first half of an IPv6 address, since
 * a subscriber has all of the second. Undefined for this machine itself: there a proxy, or Tor, speaks for many.
 */
export function sourceOf(address: string | undefined): string | undefined {
  const ip4 = address?.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  if (ip4 === undefined || ip4 === '127.0.0.1' || ip4 === '::1') return undefined;
  if (!ip4.includes(':')) return ip4;
  return groupsOf(ip4)
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
}

/** How often the doors are told anew. */
const REVIEW_MS = 100;
/** How long the doors stay closed after a request that could not be carried out: doubled each time it happens again. */
const FIRST_PAUSE_MS = 1_000;
const MOST_PAUSE_MS = 30_000;
