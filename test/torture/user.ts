import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TowerRefusedError, TowerUnavailableError } from '../../actors/client/errors.js';
import { type AppointmentReceipt, makeAppointment, type TowerClient } from '../../actors/client/tower-client.js';
import type { Breach } from '../../cli/demo/channel.js';
import { fromHex, toHex } from '../../events/bytes.js';
import { Txid } from '../../events/ids.js';
import type { Appointment } from '../../events/signing/appointment.js';
import type { Ledger } from './ledger.js';
import type { Random } from './random.js';

export type Deed =
  | 'for a channel'
  | 'for a channel, late'
  | 'for a channel, of no use'
  | 'for a channel, mended'
  | 'for a transaction that never comes'
  | 'for nothing, and deletes it'
  | 'updates'
  | 'resends'
  | 'questions'
  | 'renewals';

/** How often a user does what, unless told. */
const WEIGHTS: Readonly<Record<Deed, number>> = {
  'for a channel': 4,
  'for a channel, late': 4,
  'for a channel, of no use': 0.6,
  'for a channel, mended': 1,
  'for a transaction that never comes': 5,
  'for nothing, and deletes it': 1,
  updates: 3,
  resends: 2,
  questions: 1,
  renewals: 0.1,
};

/** What was sent, to be sent again. */
interface Sent {
  readonly appointment: Appointment;
  readonly disputeTxid: Txid;
}

/** Why a tower may say no to an honest user. */
const HONEST = new Set(['already-triggered', 'unavailable', 'appointment-not-found']);

/** A client that adds appointments without pause, and keeps each receipt. */
export class User {
  #sent: Sent[] = [];
  /** Breaches that the tower was given a useless blob for, and holds a receipt for it. */
  readonly #toMend: Breach[] = [];

  constructor(
    readonly client: TowerClient,
    private readonly ledger: Ledger,
    private readonly random: Random,
    private readonly weights: Readonly<Partial<Record<Deed, number>>> = WEIGHTS,
  ) {}

  async run(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await this.#attempt(() => this.#do(this.random.weighted(this.weights)));
      await sleep(this.random.between(20, 400), undefined, { signal: over }).catch(() => undefined);
    }
  }

  /** Registers until there is an answer. */
  async register(): Promise<void> {
    const { userId, dialect } = this.client;
    const answer = await this.client.register();
    this.ledger.registrations.push({
      userId,
      dialect,
      slots: answer.available_slots,
      start: answer.subscription_start,
      expiry: answer.subscription_expiry,
      signature: answer.subscription_signature,
    });
  }

  /** Entrusts the tower with what answers a breach; rejects if there is no receipt. */
  async guard(breach: Breach): Promise<void> {
    await this.#add(breach.disputeTxid, fromHex(breach.penaltyTx), breach.penaltyTxid, true);
  }

  /** Entrusts it with an appointment for a transaction that never comes; rejects if there is no receipt. */
  watchForNothing(): Promise<AppointmentReceipt> {
    const { random } = this;
    const txid = Txid.parse(toHex(random.bytes(32)));
    return this.#add(txid, random.bytes(random.between(20, 5_000)), null, true);
  }

  async #do(deed: Deed): Promise<unknown> {
    const { random, ledger } = this;
    switch (deed) {
      case 'for a channel':
        return this.#protectFresh(random.takeFrom(ledger.fresh));
      case 'for a channel, late': {
        const breach = random.takeFrom(ledger.late);
        return breach && this.#protect(breach, 'late appointments');
      }
      case 'for a channel, of no use':
        return this.#protectInVain(random.takeFrom(ledger.fresh));
      case 'for a channel, mended': {
        const breach = random.takeFrom(this.#toMend);
        if (!breach) return;
        this.#sent = this.#sent.filter(({ disputeTxid }) => disputeTxid !== breach.disputeTxid); // never again
        return this.#protect(breach, 'mended appointments');
      }
      case 'for a transaction that never comes':
        return this.watchForNothing();
      case 'for nothing, and deletes it':
        return this.#changeMind();
      case 'updates': {
        const last = this.#sent.length > 0 ? random.oneOf(this.#sent) : undefined;
        if (!last) return;
        const toSelfDelay = random.between(20, 2_000);
        return this.#send({ ...last, appointment: { ...last.appointment, toSelfDelay } }, 'updates');
      }
      case 'resends':
        return this.#sent.length > 0 && this.#send(random.oneOf(this.#sent), 'resends');
      case 'questions':
        return random.chance(0.5) ? this.client.getSubscriptionInfo() : this.#askForOne();
      case 'renewals':
        return this.register();
    }
  }

  /** What it deletes is never sent again, and its dispute never comes. */
  async #changeMind(): Promise<void> {
    const receipt = await this.watchForNothing();
    this.#sent = this.#sent.filter(({ appointment }) => appointment.locator !== receipt.locator);
    await this.client.deleteAppointment(receipt);
    this.ledger.count('deletions');
  }

  async #askForOne(): Promise<unknown> {
    return this.#sent.length > 0 && this.client.getAppointment(this.random.oneOf(this.#sent).appointment.locator);
  }

  #protectFresh(next: Ledger['fresh'][number] | undefined): Promise<unknown> | undefined {
    if (!next) return;
    const { breach, flawed } = next;
    // From now on the dispute may come, also while the request is under way.
    const sent = this.#add(breach.disputeTxid, fromHex(breach.penaltyTx), flawed ? null : breach.penaltyTxid, true);
    this.ledger.watched.push(breach);
    return sent;
  }

  async #protectInVain(next: Ledger['fresh'][number] | undefined): Promise<void> {
    if (!next) return;
    const { breach, flawed } = next;
    const { random } = this;
    const rubbish = random.bytes(random.between(20, 400));
    const sent = this.#add(breach.disputeTxid, rubbish, null, random.chance(0.5), 'useless appointments');
    this.ledger.watched.push(breach);
    await sent;
    if (!flawed) this.#toMend.push(breach);
  }

  async #protect(breach: Breach, what: string): Promise<void> {
    await sleep(this.random.below(500));
    await this.#add(breach.disputeTxid, fromHex(breach.penaltyTx), breach.penaltyTxid, true, what);
  }

  /** Sealed as it has to be, or not at all; `penaltyTxid` is null if what is sealed is of no use. */
  #add(disputeTxid: Txid, plaintext: Uint8Array, penaltyTxid: string | null, sealed: boolean, what = 'appointments') {
    const { dialect } = this.client;
    const made = makeAppointment(dialect, disputeTxid, plaintext, this.random.between(20, 2_000));
    const appointment = sealed ? made : { ...made, encryptedBlob: plaintext };
    this.ledger.sent.set(sha256(appointment.encryptedBlob), penaltyTxid);
    return this.#send({ appointment, disputeTxid }, what);
  }

  async #send(sent: Sent, what: string): Promise<AppointmentReceipt> {
    const { appointment, disputeTxid } = sent;
    const { userId, dialect } = this.client;
    const receipt = await this.client.addAppointment(appointment);
    const { locator, encryptedBlob: blob, toSelfDelay } = appointment;
    const { startBlock, userSignature, signature } = receipt;
    const entrusted = { locator, disputeTxid, sha256: sha256(blob), size: blob.length, toSelfDelay };
    this.ledger.appointments.push({ userId, dialect, ...entrusted, startBlock, userSignature, signature });
    this.#sent.push(sent);
    this.ledger.count(what);
    return receipt;
  }

  /** No answer is no promise; a refusal that an honest user does not deserve is a broken one. */
  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof TowerUnavailableError) this.ledger.count('requests without an answer');
      else if (error instanceof TowerRefusedError && HONEST.has(error.reason))
        this.ledger.count(`refused: ${error.reason}`);
      else if (error instanceof TowerRefusedError && error.reason === 'not-enough-slots')
        await this.#attempt(() => this.register());
      else
        this.ledger.broken.push(`user ${this.client.userId} was told: ${error instanceof Error ? error.stack : error}`);
    }
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
