import { randomBytes } from 'node:crypto';
import { headers, type MsgHdrs, type NatsConnection } from 'nats';
import { z } from 'zod';
import { aggregateSubject, userAggregate } from '../../events/aggregate.js';
import { sha256, toHex } from '../../events/bytes.js';
import { type Commit, encodeCommit, newCommit } from '../../events/commit.js';
import { Height, type Shard, UserId } from '../../events/ids.js';
import { appointmentId, serializeAppointment, slotsFor } from '../../events/signing/appointment.js';
import { signMessage } from '../../events/signing/message.js';
import { appointmentReceipt, registrationReceipt } from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import type { UserEvent } from '../../events/user.js';
import { randomAppointment } from './users.js';

const SHARD = 0 as Shard;
/** Messages of one atomic batch: the server takes a thousand at the most. */
const BATCH = 1_000;
const SLOTS = 0xffffffff;

const Ack = z.object({ seq: z.number().int().min(1), error: z.undefined().optional() });

interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
}

/**
 * Appointments on the log that no client ever handed over, but that a tower could have accepted: with their blobs, and signed by
 * users and by the tower, so that an auditor finds nothing wrong with them.
 */
export class SignedLog {
  readonly #users: { readonly id: UserId; readonly secret: Uint8Array; slots: number }[] = [];
  #count = 0;

  /** `nc` may do everything; all begins at `height`, which the log's chain has to have. */
  constructor(
    private readonly nc: NatsConnection,
    private readonly tower: Uint8Array,
    private readonly height: Height,
    private readonly blobBytes: number,
  ) {}

  async register(count: number): Promise<void> {
    const expiry = Height.parse(0xffffffff);
    const commits = Array.from({ length: count }, () => {
      const secret = new Uint8Array(randomBytes(32));
      const id = UserId.parse(toHex(secp256k1.publicKey(secret)));
      this.#users.push({ id, secret, slots: SLOTS });
      const subscription = { slots: SLOTS, start: this.height, expiry };
      const receiptSignature = signMessage(registrationReceipt('rust', { userId: id, ...subscription }), this.tower);
      return commitOf(id, {
        type: 'UserRegistered',
        dialect: 'rust',
        slotsAdded: SLOTS,
        ...subscription,
        receiptSignature,
      });
    });
    for (let i = 0; i < count; i += BATCH) await this.#append(commits.slice(i, i + BATCH));
  }

  /** Puts appointments on the log until there are so many, spread over the users. */
  async growTo(count: number): Promise<void> {
    while (this.#count < count) {
      const some = Array.from({ length: Math.min(BATCH, count - this.#count) }, () => {
        const user = this.#users[this.#count++ % this.#users.length];
        if (!user) throw new TypeError('there is no user');
        return { user, appointment: randomAppointment(this.blobBytes) };
      });
      const subject = (id: UserId) => `argus.${SHARD}.blob.${id}`;
      const last = await this.#append(
        some.map(({ user, appointment }) => ({ subject: subject(user.id), data: appointment.encryptedBlob })),
      );
      await this.#append(
        some.map(({ user, appointment }, i) => this.#accepted(user, appointment, last - some.length + 1 + i)),
      );
    }
  }

  #accepted(
    user: { readonly id: UserId; readonly secret: Uint8Array; slots: number },
    appointment: ReturnType<typeof randomAppointment>,
    position: number,
  ): Message {
    const { locator, encryptedBlob, toSelfDelay } = appointment;
    const userSignature = signMessage(serializeAppointment(appointment), user.secret);
    const receipt = appointmentReceipt('rust', { userSignature, startBlock: this.height });
    const slots = slotsFor(encryptedBlob.length);
    user.slots -= slots;
    return commitOf(user.id, {
      type: 'AppointmentAccepted',
      appointmentId: appointmentId(locator, user.id),
      locator,
      scheme: 'teos-internal',
      slots,
      slotsLeft: user.slots,
      startBlock: this.height,
      toSelfDelay,
      blob: { position, sha256: toHex(sha256(encryptedBlob)), size: encryptedBlob.length },
      userSignature,
      receiptSignature: signMessage(receipt, this.tower),
    });
  }

  /** One atomic batch: one write to the disk. Gives the position of the last. */
  async #append(messages: readonly Message[]): Promise<number> {
    const id = toHex(randomBytes(16));
    for (const [i, { subject, data }] of messages.entries()) {
      const header: MsgHdrs = headers();
      header.set('Nats-Batch-Id', id);
      header.set('Nats-Batch-Sequence', String(i + 1));
      if (i < messages.length - 1) this.nc.publish(subject, data, { headers: header });
      else {
        header.set('Nats-Batch-Commit', '1');
        return Ack.parse((await this.nc.request(subject, data, { headers: header, timeout: 10_000 })).json()).seq;
      }
    }
    throw new TypeError('nothing to append');
  }
}

function commitOf(userId: UserId, event: UserEvent): Message {
  const commit = newCommit(userAggregate(userId), [event], 'bench', Date.now()) as Omit<Commit, 'position'>;
  return { subject: aggregateSubject(commit.aggregate, SHARD), data: encodeCommit(commit) };
}
