import { randomBytes } from 'node:crypto';
import { headers, type NatsConnection } from 'nats';
import { z } from 'zod';
import { aggregateSubject, userAggregate } from '../../events/aggregate.js';
import { toHex } from '../../events/bytes.js';
import { type Commit, encodeCommit, newCommit } from '../../events/commit.js';
import { Height, type Locator, type Shard, type UserId } from '../../events/ids.js';
import { appointmentId, slotsFor } from '../../events/signing/appointment.js';
import { encodeZbase32 } from '../../events/signing/zbase32.js';
import type { UserEvent } from '../../events/user.js';

const SHARD = 0 as Shard;
const BLOB_BYTES = 600;
/** Messages of one atomic batch: the server takes a thousand at the most. */
const BATCH = 1_000;
/** Beyond any position that a blob of the same run is stored at. */
const FIRST_BLOB = 1_000_000_000;
const SLOTS = 0xffffffff;
/** A subscription from the beginning of the chain to its end. */
const ALWAYS = { start: Height.parse(1), expiry: Height.parse(0xffffffff) };

const Ack = z.object({ seq: z.number().int().min(1), error: z.undefined().optional() });

/**
 * Appointments on the log that no client ever handed over: as many as are wanted, in minutes.
 *
 * Each is a commit of one `AppointmentAccepted`, as the Gatekeeper writes it, with noise for locator, blob's hash and
 * signatures: all that folding does not check. No blob is stored for them.
 */
export class LongLog {
  readonly #users: UserId[] = [];
  #count = 0;

  /** `nc` may do everything. All is accepted at the height at which the users' subscriptions start. */
  constructor(
    private readonly nc: NatsConnection,
    private readonly subscription: { readonly start: Height; readonly expiry: Height } = ALWAYS,
  ) {}

  /** How many appointments it has put on the log. */
  get count(): number {
    return this.#count;
  }

  /** Registers some users more. */
  async register(count: number): Promise<void> {
    const users = Array.from({ length: count }, () => `02${noise(32)}` as UserId);
    const signature = { receiptSignature: noiseSignature(), slotsAdded: SLOTS };
    const subscription = { slots: SLOTS, ...this.subscription };
    const event: UserEvent = { type: 'UserRegistered', dialect: 'rust', ...subscription, ...signature };
    for (let i = 0; i < count; i += BATCH)
      await this.#append(users.slice(i, i + BATCH).map((id) => commitOf(id, event)));
    this.#users.push(...users);
  }

  /** Puts appointments on the log until there are so many, spread over the users. */
  async growTo(count: number): Promise<void> {
    while (this.#count < count) {
      const size = Math.min(BATCH, count - this.#count);
      await this.#append(Array.from({ length: size }, () => this.#accepted(this.#count++)));
    }
  }

  #accepted(n: number): UserCommit {
    const userId = this.#users[n % this.#users.length] ?? ('' as UserId);
    const locator = noise(16) as Locator;
    return commitOf(userId, {
      type: 'AppointmentAccepted',
      appointmentId: appointmentId(locator, userId),
      locator,
      scheme: 'teos-internal',
      slots: slotsFor(BLOB_BYTES),
      slotsLeft: SLOTS - Math.floor(n / this.#users.length) - 1,
      startBlock: this.subscription.start,
      toSelfDelay: 144,
      blob: { position: FIRST_BLOB + n, sha256: noise(32), size: BLOB_BYTES },
      userSignature: noiseSignature(),
      receiptSignature: noiseSignature(),
    });
  }

  /** One atomic batch: one write to the disk. */
  async #append(commits: readonly UserCommit[]): Promise<void> {
    const id = noise(16);
    for (const [i, commit] of commits.entries()) {
      const header = headers();
      header.set('Nats-Batch-Id', id);
      header.set('Nats-Batch-Sequence', String(i + 1));
      const subject = aggregateSubject(commit.aggregate, SHARD);
      const data = encodeCommit(commit);
      if (i < commits.length - 1) this.nc.publish(subject, data, { headers: header });
      else {
        header.set('Nats-Batch-Commit', '1');
        Ack.parse((await this.nc.request(subject, data, { headers: header, timeout: 10_000 })).json());
      }
    }
  }
}

type UserCommit = Omit<Commit, 'position'>;

const commitOf = (userId: UserId, event: UserEvent): UserCommit =>
  newCommit(userAggregate(userId), [event], 'bench', Date.now()) as UserCommit;

const noise = (bytes: number): string => toHex(randomBytes(bytes));
const noiseSignature = (): string => encodeZbase32(randomBytes(65));
