import { createHash, type Hash } from 'node:crypto';
import { z } from 'zod';
import { fromHex } from '../../events/bytes.js';
import { Height, type Locator, Txid, UserId } from '../../events/ids.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { type CheckedAppointment, checkAppointment } from './checked-appointment.js';
import type { OldTower, Row } from './old-tower.js';

/**
 * What of another tower is brought, and what cannot be: decided on all of its rows before anything is written. Of an appointment
 * only where it is in the store is kept, so that many fit into memory.
 */

/** Something that is not carried over, or not as it was. */
export interface Left {
  readonly kind: 'user' | 'appointment' | 'tracker';
  /** A user's id, an appointment's uuid; as the store has it. */
  readonly id: string;
  readonly user?: string;
  readonly locator?: string;
  readonly why: string;
  /** The raw penalty transaction of a tracker: it can be sent by hand. */
  readonly penalty_tx?: string;
}

export interface PlannedUser {
  readonly userId: UserId;
  /** What it has left, in slots, and what its appointments take. */
  readonly available: number;
  taken: number;
  readonly start: Height | undefined;
  readonly expiry: Height;
  /** Where its appointments are in the store. */
  readonly appointments: unknown[];
  /** The height at which the first of them began; undefined if there is none. */
  firstBegan: Height | undefined;
}

/** An appointment with a breach that the old tower was answering. */
export interface PlannedTracker {
  readonly name: string;
  readonly userId: UserId;
  readonly locator: Locator;
  readonly disputeTxid: Txid;
  readonly startBlock: Height;
  readonly penaltyTx: string | undefined;
}

export interface Plan {
  readonly users: readonly PlannedUser[];
  readonly appointments: number;
  readonly trackers: readonly PlannedTracker[];
  readonly left: Left[];
  /** Slots that the python tower booked for appointments that it has not (any more), by user: they stay booked. */
  readonly bookedForNothing: readonly { readonly user: UserId; readonly uuid: string }[];
  /** See `TowerImported`. */
  readonly digest: string;
}

const U32 = z.number().int().min(0).max(0xffffffff);
const User = z.object({
  user_id: UserId.refine((id) => secp256k1.isValidPublicKey(fromHex(id)), 'no point of the curve'),
  slots: U32,
  start: Height.optional(),
  expiry: Height,
  booked: z.record(z.string(), z.unknown()).optional(),
});

/** `height`: that of bitcoind's best chain, which nothing began after. Rejects as reading the store does. */
export async function planImport(tower: OldTower, height: number): Promise<Plan> {
  const plan = new Planning(tower, height);
  for await (const row of tower.users()) plan.user(row);
  for await (const row of tower.trackers()) plan.tracker(row);
  for await (const row of tower.appointments()) plan.appointment(row);
  return plan.end();
}

class Planning {
  readonly #users = new Map<string, PlannedUser>();
  /** Those that are left, with all that they have. */
  readonly #usersLeft = new Set<string>();
  #appointments = 0;
  /** The fields of those whose appointment has not come yet, by its uuid. */
  readonly #open = new Map<string, Row>();
  readonly #trackers: PlannedTracker[] = [];
  readonly #left: Left[] = [];
  readonly #booked = new Map<string, UserId>();
  readonly #digest: Hash;

  constructor(
    { from }: OldTower,
    private readonly height: number,
  ) {
    this.#digest = createHash('sha256').update(`${from}\n`);
  }

  user({ name, fields }: Row): void {
    this.#note('user', fields);
    const parsed = User.safeParse(fields);
    const wrong = parsed.success ? this.#wrongWith(parsed.data) : problemIn(parsed.error);
    if (!parsed.success || wrong !== undefined) {
      this.#usersLeft.add(name);
      this.#left.push({ kind: 'user', id: name, why: wrong ?? '' });
      return;
    }
    const { user_id: userId, slots: available, start, expiry, booked = {} } = parsed.data;
    this.#users.set(userId, { userId, available, taken: 0, start, expiry, appointments: [], firstBegan: undefined });
    for (const uuid of Object.keys(booked)) this.#booked.set(uuid, userId);
  }

  #wrongWith({ start, expiry }: z.infer<typeof User>): string | undefined {
    if (expiry === 0 || (start !== undefined && start >= expiry)) return `it expires at ${expiry}, before it begins`;
    if (start !== undefined && start > this.height)
      return `it begins at ${start}, and the chain ends at ${this.height}`;
    return undefined;
  }

  appointment({ name, ref, fields }: Row): void {
    this.#note('appointment', fields);
    const user = String(fields.user_id);
    const owner = this.#users.get(user);
    const checked = owner ? this.#fitting(fields, owner) : this.#withoutUser(user, fields);
    if (!owner || typeof checked === 'string') {
      const locator = typeof fields.locator === 'string' ? { locator: fields.locator } : {};
      this.#left.push({ kind: 'appointment', id: name, user, ...locator, why: String(checked) });
      return;
    }
    const { id, slots, startBlock } = checked;
    owner.appointments.push(ref);
    owner.taken += slots;
    owner.firstBegan = Height.parse(Math.min(owner.firstBegan ?? startBlock, startBlock));
    this.#appointments++;
    this.#booked.delete(id);
    this.#answer(checked);
  }

  #withoutUser(user: string, { user_id: id }: Row['fields']): string {
    if (typeof id !== 'string') return 'user_id: there is none';
    return this.#usersLeft.has(user) ? 'its user cannot be carried over' : 'there is no such user';
  }

  /** The appointment in a row of a user; or why it cannot be carried over. */
  #fitting(fields: Row['fields'], owner: PlannedUser): CheckedAppointment | string {
    const checked = checkAppointment(fields);
    if (typeof checked === 'string') return checked;
    const { startBlock, slots } = checked;
    if (startBlock > this.height) return `it begins at ${startBlock}, and the chain ends at ${this.height}`;
    if (startBlock >= owner.expiry) return `it begins at ${startBlock}, when the subscription had expired`;
    const isTooMuch = owner.available + owner.taken + slots > 0xffffffff;
    return isTooMuch ? 'its user would have more slots than can be counted' : checked;
  }

  tracker(row: Row): void {
    this.#note('tracker', row.fields);
    this.#open.set(String(row.fields.uuid), row);
  }

  /** The tracker of an appointment, if it has one. */
  #answer({ id, userId, locator, startBlock }: CheckedAppointment): void {
    const row = this.#open.get(id);
    if (!row) return;
    this.#open.delete(id);
    const disputeTxid = Txid.safeParse(row.fields.dispute_txid).data;
    if (disputeTxid === undefined)
      this.#leaveTracker(row, 'dispute_txid: it is not to be read; the appointment is watched');
    else {
      const { name } = row;
      this.#trackers.push({ name, userId, locator, disputeTxid, startBlock, penaltyTx: penaltyOf(row) });
    }
  }

  #leaveTracker(row: Row, why: string): void {
    const tx = penaltyOf(row);
    this.#left.push({ kind: 'tracker', id: row.name, why, ...(tx !== undefined && { penalty_tx: tx }) });
  }

  end(): Plan {
    for (const row of this.#open.values()) this.#leaveTracker(row, 'its appointment cannot be carried over');
    return {
      users: [...this.#users.values()],
      appointments: this.#appointments,
      trackers: this.#trackers,
      left: this.#left,
      bookedForNothing: Array.from(this.#booked, ([uuid, user]) => ({ user, uuid })),
      digest: this.#digest.digest('hex'),
    };
  }

  #note(what: string, fields: Row['fields']): void {
    this.#digest.update(`${what} ${JSON.stringify(fields, bigints)}\n`);
  }
}

const penaltyOf = ({ fields: { penalty_tx: tx } }: Row): string | undefined =>
  typeof tx === 'string' ? tx : undefined;

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** What is wrong with a row, by its column. */
function problemIn(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join('.') || 'the row'}: ${issue?.message ?? 'not well formed'}`;
}
