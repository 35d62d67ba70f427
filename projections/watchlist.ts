import { toHex } from '../events/bytes.js';
import type { AppointmentId, Locator, UserId } from '../events/ids.js';
import { type Scheme, SchemeName } from '../events/schemes/scheme.js';
import { schemes } from '../events/schemes/schemes.js';

/** An appointment that waits for a transaction. */
export interface Watched {
  readonly appointmentId: AppointmentId;
  readonly userId: UserId;
}

/** A transaction that appointments wait for. */
export interface Hit extends Watched {
  readonly locator: Locator;
}

/**
 * What the tower watches for: every appointment under its scheme's hint, so that a transaction is looked up once
 * per scheme however many appointments there are. Several users may wait for the same transaction.
 */
export class Watchlist {
  readonly #byHint = new Map<SchemeName, Map<Locator, Map<AppointmentId, UserId>>>(
    SchemeName.options.map((name) => [name, new Map()]),
  );
  #size = 0;

  /** The number of appointments watched. */
  get size(): number {
    return this.#size;
  }

  add(scheme: SchemeName, locator: Locator, { appointmentId, userId }: Watched): void {
    const hints = this.#hints(scheme);
    const watchers = hints.get(locator) ?? new Map<AppointmentId, UserId>();
    if (!watchers.has(appointmentId)) this.#size++;
    hints.set(locator, watchers.set(appointmentId, userId));
  }

  remove(scheme: SchemeName, locator: Locator, appointmentId: AppointmentId): void {
    const watchers = this.#hints(scheme).get(locator);
    if (!watchers?.delete(appointmentId)) return;
    this.#size--;
    if (watchers.size === 0) this.#hints(scheme).delete(locator);
  }

  /** Who waits for a transaction; its id is 32 bytes in internal order. */
  lookUp(txidInternal: Uint8Array): readonly Hit[] {
    return Object.values(schemes).flatMap((scheme) => this.#lookUpIn(scheme, txidInternal));
  }

  /** Who waits under a locator, whatever the scheme. */
  byLocator(locator: Locator): readonly Hit[] {
    return SchemeName.options.flatMap((name) => this.#hits(name, locator));
  }

  /** Who waits under which locator of which scheme. */
  toJSON(): unknown {
    return Array.from(this.#byHint, ([scheme, hints]) => [
      scheme,
      Array.from(hints, ([locator, watchers]) => [locator, Array.from(watchers)]),
    ]);
  }

  #lookUpIn(scheme: Scheme, txidInternal: Uint8Array): readonly Hit[] {
    if (this.#hints(scheme.name).size === 0) return [];
    return this.#hits(scheme.name, toHex(scheme.hint(txidInternal)) as Locator);
  }

  #hits(scheme: SchemeName, locator: Locator): readonly Hit[] {
    const watchers = this.#hints(scheme).get(locator);
    return watchers ? Array.from(watchers, ([appointmentId, userId]) => ({ appointmentId, userId, locator })) : [];
  }

  #hints(scheme: SchemeName): Map<Locator, Map<AppointmentId, UserId>> {
    const hints = this.#byHint.get(scheme);
    if (!hints) throw new TypeError(`no such scheme: ${scheme}`);
    return hints;
  }
}
