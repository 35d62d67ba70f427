import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { headers, type MsgHdrs, type NatsConnection } from 'nats';
import { z } from 'zod';
import { toHex } from '../../events/bytes.js';
import { Height, UserId } from '../../events/ids.js';
import { signMessage } from '../../events/signing/message.js';
import { registrationReceipt } from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { commitOf, type Message, type Part, type SignedPart, SLOTS } from './signed-appointments.js';

/** Messages of one atomic batch: the server takes a thousand at the most. */
const BATCH = 1_000;

const Ack = z.object({ seq: z.number().int().min(1), error: z.undefined().optional() });

/**
 * Appointments on the log that no client ever handed over, but that a tower could have accepted: with their blobs, and signed by
 * users and by the tower, so that an auditor finds nothing wrong with them.
 */
export class SignedLog {
  readonly #users: { readonly id: UserId; readonly secret: Uint8Array }[] = [];
  #count = 0;

  /** `nc` may do everything; all begins at `height`, which the log's chain has to have. No blob but its own is stored. */
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
      this.#users.push({ id, secret });
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

  /** Puts appointments on the log until there are so many, spread over the users. To sign them takes the longest, and all cores. */
  async growTo(count: number): Promise<void> {
    const { tower, height, blobBytes } = this;
    const workerData = { users: this.#users, tower, height, blobBytes };
    const threads = Array.from(
      { length: availableParallelism() },
      () => new Worker(new URL('./signing-thread.js', import.meta.url), { workerData, execArgv: [], env: {} }),
    );
    const signed: Promise<SignedPart>[] = [];
    let turn = 0;
    const ask = () => {
      for (; signed.length < threads.length && this.#count < count; turn++) {
        const part = { first: this.#count, count: Math.min(BATCH, count - this.#count), blob: this.#count + 1 };
        const thread = threads[turn % threads.length];
        if (thread) signed.push(signedBy(thread, part));
        this.#count += part.count;
      }
    };
    try {
      ask();
      for (let part = await signed.shift(); part; part = await signed.shift()) {
        ask();
        await this.#append(part.blobs);
        await this.#append(part.commits);
      }
    } finally {
      await Promise.all(threads.map((thread) => thread.terminate()));
    }
  }

  /** One atomic batch: one write to the disk. */
  async #append(messages: readonly Message[]): Promise<void> {
    const id = toHex(randomBytes(16));
    for (const [i, { subject, data }] of messages.entries()) {
      const header: MsgHdrs = headers();
      header.set('Nats-Batch-Id', id);
      header.set('Nats-Batch-Sequence', String(i + 1));
      if (i < messages.length - 1) this.nc.publish(subject, data, { headers: header });
      else {
        header.set('Nats-Batch-Commit', '1');
        Ack.parse((await this.nc.request(subject, data, { headers: header, timeout: 10_000 })).json());
      }
    }
  }
}

function signedBy(thread: Worker, part: Part): Promise<SignedPart> {
  const signed = once(thread, 'message').then(([message]) => message);
  signed.catch(() => {}); // told to whoever waits for it, if anybody does
  thread.postMessage(part);
  return signed;
}
