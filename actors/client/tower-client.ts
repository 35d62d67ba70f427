import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { fromHex, reversed, toHex } from '../../events/bytes.js';
import { Locator, type TowerId, type Txid, UserId } from '../../events/ids.js';
import { AppointmentProof, Evidence, wrongWith } from '../../events/proofs/appointment-proof.js';
import { schemeOf } from '../../events/schemes/schemes.js';
import {
  type Appointment,
  deleteAppointmentRequest,
  getAppointmentRequest,
  getProofRequest,
  getSubscriptionInfoRequest,
  serializeAppointment,
} from '../../events/signing/appointment.js';
import { signerIs, signMessage } from '../../events/signing/message.js';
import {
  appointmentReceipt,
  type Dialect,
  deletionReceipt,
  registrationReceipt,
} from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import type { TreeHead } from '../../events/tree-head.js';
import * as wire from '../wire.js';
import { type ClientOperation, type Courier, NotAnsweredError, type Reply } from './courier.js';
import { BadReceiptError, TowerRefusedError, TowerUnavailableError } from './errors.js';

/** Who talks to which tower. */
export interface TowerClientOptions {
  /** The tower's public key: every receipt must be signed with it. */
  readonly towerId: TowerId;
  /** The user's secret key: 32 bytes. The user is its public key. */
  readonly secretKey: Uint8Array;
  /** Which generation to speak as: it decides the locator, the blob's key and the receipts. `rust` unless told. */
  readonly dialect?: Dialect;
  /** How long to wait for an answer, repeated attempts included, in ms; 10 s unless told. */
  readonly timeoutMs?: number;
}

/** A receipt for an appointment, to be kept: with the tower's id, it proves what the tower promised. */
export interface AppointmentReceipt {
  readonly locator: Locator;
  readonly startBlock: number;
  readonly userSignature: string;
  readonly signature: string;
  readonly availableSlots: number;
  readonly subscriptionExpiry: number;
}

/** A receipt for a deletion: the tower gives the slots of an appointment back, and does not watch for it any more. */
export interface DeletionReceipt {
  readonly locator: Locator;
  readonly userSignature: string;
  readonly signature: string;
  readonly availableSlots: number;
  readonly subscriptionExpiry: number;
}

/**
 * A tower's client: registers, adds appointments, asks for them, and verifies every receipt.
 *
 * Each request rejects with `TowerRefusedError`, `TowerUnavailableError` or, where a receipt is due, `BadReceiptError`.
 * Every request may be repeated: an appointment that the tower has already is answered with the receipt it gave.
 */
export class TowerClient {
  readonly userId: UserId;
  readonly dialect: Dialect;

  /** `courier`: `overNats(nc)` of `nats-courier.ts`, or `overHttp(url)` of `http-courier.ts`. */
  constructor(
    private readonly courier: Courier,
    private readonly options: TowerClientOptions,
  ) {
    this.userId = UserId.parse(toHex(secp256k1.publicKey(options.secretKey)));
    this.dialect = options.dialect ?? 'rust';
  }

  /** Registers, or renews: more slots and a later expiry each time. `invite`: a token, where the tower asks newcomers for one. */
  async register(invite?: string): Promise<wire.RegisterAnswer> {
    const key = this.dialect === 'python' ? 'public_key' : 'user_id';
    const answer = await this.#request(
      'register',
      { [key]: this.userId, ...(invite && { invite }) },
      wire.RegisterAnswer,
    );
    const receipt = registrationReceipt(this.dialect, {
      userId: this.userId,
      slots: answer.available_slots,
      start: answer.subscription_start,
      expiry: answer.subscription_expiry,
    });
    this.#verify(receipt, answer.subscription_signature, answer);
    return answer;
  }

  /**
   * Entrusts the tower with a penalty: a raw transaction to be broadcast should the dispute transaction be mined.
   * `disputeTxid` is in display order, `penalty` is the raw transaction, `toSelfDelay` is in blocks.
   */
  protect(disputeTxid: Txid, penalty: Uint8Array, toSelfDelay: number): Promise<AppointmentReceipt> {
    return this.addAppointment(makeAppointment(this.dialect, disputeTxid, penalty, toSelfDelay));
  }

  /** Adds an appointment, or replaces the one with the same locator. */
  async addAppointment(appointment: Appointment): Promise<AppointmentReceipt> {
    const { locator, encryptedBlob, toSelfDelay } = appointment;
    const userSignature = signMessage(serializeAppointment(appointment), this.options.secretKey);
    const body = {
      appointment: { locator, encrypted_blob: toHex(encryptedBlob), to_self_delay: toSelfDelay },
      signature: userSignature,
    };
    const answer = await this.#request('add_appointment', body, wire.AddAppointmentAnswer);
    const { start_block: startBlock, signature } = answer;
    this.#verify(appointmentReceipt(this.dialect, { userSignature, startBlock }), signature, answer);
    return {
      locator,
      startBlock,
      userSignature,
      signature,
      availableSlots: answer.available_slots,
      subscriptionExpiry: answer.subscription_expiry,
    };
  }

  /**
   * Has the tower forget the appointment that a receipt is for. What was added under its locator since is not touched: then it
   * rejects with `TowerRefusedError` of the reason `receipt-replaced`; once a breach was seen, of `already-triggered`.
   */
  async deleteAppointment({
    locator,
    signature: receipt,
  }: Pick<AppointmentReceipt, 'locator' | 'signature'>): Promise<DeletionReceipt> {
    const userSignature = signMessage(deleteAppointmentRequest(locator, receipt), this.options.secretKey);
    const body = { locator, receipt, signature: userSignature };
    const answer = await this.#request('delete_appointment', body, wire.DeleteAppointmentAnswer);
    this.#verify(deletionReceipt(this.dialect, userSignature), answer.signature, answer);
    return {
      locator,
      userSignature,
      signature: answer.signature,
      availableSlots: answer.available_slots,
      subscriptionExpiry: answer.subscription_expiry,
    };
  }

  /** What the tower has under a locator: the appointment it watches, or the penalty it answered a breach with. */
  getAppointment(locator: Locator): Promise<wire.GetAppointmentAnswer> {
    const signature = signMessage(getAppointmentRequest(locator), this.options.secretKey);
    return this.#request('get_appointment', { locator, signature }, wire.GetAppointmentAnswer);
  }

  /**
   * Proof that the tower has an appointment on its log, verified; to be kept as JSON. `receipt` is the one for the
   * appointment as it is now. With an `older` head, also that the log is still the one which that head is of.
   *
   * Rejects with `BadReceiptError` if it proves nothing, and with `TowerRefusedError` of the reason `not-under-head` until the
   * next block after the receipt.
   */
  async getProof(receipt: Evidence['receipt'], older?: TreeHead): Promise<Evidence> {
    const { locator } = receipt;
    const signature = signMessage(getProofRequest(locator), this.options.secretKey);
    const body = { locator, signature, ...(older && { from: older.treeSize }) };
    const proof = await this.#request('get_proof', body, AppointmentProof);
    const evidence = Evidence.parse({ receipt, proof, older });
    const wrong = wrongWith(evidence, this.options.towerId);
    if (wrong !== undefined) throw new BadReceiptError(wrong, evidence);
    return evidence;
  }

  getSubscriptionInfo(): Promise<wire.SubscriptionInfoAnswer> {
    const signature = signMessage(getSubscriptionInfoRequest(), this.options.secretKey);
    return this.#request('get_subscription_info', { signature }, wire.SubscriptionInfoAnswer);
  }

  /** What the tower says of itself: its id, network, height and terms. Not signed. */
  info(): Promise<wire.InfoAnswer> {
    return this.#request('info', {}, wire.InfoAnswer);
  }

  #verify(receipt: Uint8Array, signature: string, answer: unknown): void {
    if (!signerIs(receipt, signature, this.options.towerId))
      throw new BadReceiptError(`the receipt is not signed by tower ${this.options.towerId}`, answer);
  }

  async #request<T>(operation: ClientOperation, body: object, shape: z.ZodType<T>): Promise<T> {
    const reply = await this.#ask(operation, body);
    if (reply.status !== 200) throw refusal(reply);
    const parsed = shape.safeParse(reply.json);
    if (parsed.success) return parsed.data;
    throw new TowerUnavailableError('the answer is not of the expected form', { cause: parsed.error });
  }

  /** Asks until there is an answer or the time is over: a node or a server may have died with the request in its hands. */
  async #ask(operation: ClientOperation, body: object): Promise<Reply> {
    const deadline = performance.now() + (this.options.timeoutMs ?? 10_000);
    for (;;) {
      const left = deadline - performance.now();
      try {
        return await this.courier.ask(operation, body, Math.ceil(Math.max(1, Math.min(left, ATTEMPT_MS))));
      } catch (error) {
        if (!(error instanceof NotAnsweredError)) throw error;
        // A registration that may have been carried out is not repeated behind the caller's back: it adds slots each time.
        const mayRepeat = error.unheard || operation !== 'register';
        if (!mayRepeat || performance.now() + PAUSE_MS + SHORTEST_MS > deadline)
          throw new TowerUnavailableError(`${operation}: ${error.message}`, { cause: error.cause });
      }
      await sleep(PAUSE_MS);
    }
  }
}

/** How long one attempt may take, and the pause before the next. */
const ATTEMPT_MS = 3_000;
const PAUSE_MS = 200;
/** An attempt that is given less says nothing of the tower. */
const SHORTEST_MS = 200;

/** The locator of a dispute transaction (display order) for clients of a dialect. */
export const locatorOf = (dialect: Dialect, disputeTxid: Txid): Locator =>
  Locator.parse(toHex(schemeOf(dialect).hint(reversed(fromHex(disputeTxid)))));

/** An appointment as `TowerClient.addAppointment` takes it: the penalty sealed so that only the dispute's txid opens it. */
export function makeAppointment(
  dialect: Dialect,
  disputeTxid: Txid,
  penalty: Uint8Array,
  toSelfDelay: number,
): Appointment {
  const encryptedBlob = schemeOf(dialect).seal(penalty, reversed(fromHex(disputeTxid)));
  return { locator: locatorOf(dialect, disputeTxid), encryptedBlob, toSelfDelay };
}

function refusal({ status, json, reason }: Reply): TowerRefusedError {
  const { error, error_code: code } = Refused.safeParse(json).data ?? { error: 'refused' };
  return new TowerRefusedError(error, status, code, reason ?? 'unknown');
}

const Refused = z.object({ error: z.string(), error_code: z.number().int().optional() });
