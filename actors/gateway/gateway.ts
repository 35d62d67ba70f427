import type { Logger } from 'pino';
import { toHex } from '../../events/bytes.js';
import type { UserId } from '../../events/ids.js';
import {
  getAppointmentRequest,
  getSubscriptionInfoRequest,
  serializeAppointment,
} from '../../events/signing/appointment.js';
import { recoverSigner } from '../../events/signing/message.js';
import type { Dialect } from '../../events/signing/receipts.js';
import type { BlobRef } from '../../events/user.js';
import type { Accepted, Refusal, Registered, Shown, SubscriptionInfo } from '../outcomes.js';
import type { AddAppointmentAnswer, GetAppointmentAnswer, RegisterAnswer, SubscriptionInfoAnswer } from '../wire.js';
import { type Operation, words } from './dialect.js';
import * as requests from './requests.js';

/**
 * The Gateway: from a client's bytes to the Gatekeeper and back, whatever the door they came through.
 *
 *   NATS door --bytes--> Gateway --who, what--> Gatekeeper of the user's shard
 *             <-answer--         <--outcome---
 *
 * takes   register, addAppointment, getAppointment, getSubscriptionInfo   a request's bytes and a guess at its dialect
 * gives   an answer: status and JSON body, in the dialect that the user registered with
 *
 * It bounds, parses, recovers the user from the signature and translates; it decides nothing.
 */
export class Gateway {
  constructor(private readonly needs: GatewayNeeds) {}

  register(body: Uint8Array, guess: Dialect): Promise<Answer> {
    const parsed = requests.parseRegister(body);
    if (!parsed.ok) return this.#malformed('register', guess, parsed.problem);
    const { userId, dialect } = parsed.value;
    return this.#answer(
      'register',
      userId,
      () => dialect,
      async (gatekeeper) => {
        const outcome = await gatekeeper.register(userId, dialect);
        return outcome.kind === 'registered' ? ok(registered(userId, outcome)) : outcome;
      },
    );
  }

  addAppointment(body: Uint8Array, guess: Dialect): Promise<Answer> {
    const operation = 'add_appointment';
    const parsed = requests.parseAddAppointment(body, this.needs.maxBlobBytes);
    if (!parsed.ok) return this.#malformed(operation, guess, parsed.problem);
    const { locator, blob, toSelfDelay, signature } = parsed.value;
    const message = serializeAppointment({ locator, encryptedBlob: blob, toSelfDelay });
    return this.#authenticated(operation, message, signature, guess, async (gatekeeper, userId, dialect) => {
      if (dialect === 'python' && toSelfDelay < this.needs.minToSelfDelay)
        return this.#malformed(operation, dialect, this.#tooSmall(toSelfDelay));
      const outcome = await gatekeeper.addAppointment({ userId, locator, blob, toSelfDelay, userSignature: signature });
      return outcome.kind === 'accepted' ? ok(accepted(outcome)) : outcome;
    });
  }

  getAppointment(body: Uint8Array, guess: Dialect): Promise<Answer> {
    const operation = 'get_appointment';
    const parsed = requests.parseGetAppointment(body);
    if (!parsed.ok) return this.#malformed(operation, guess, parsed.problem);
    const { locator, locatorText, signature } = parsed.value;
    const message = getAppointmentRequest(locatorText);
    return this.#authenticated(operation, message, signature, guess, async (gatekeeper, userId) => {
      const shown = gatekeeper.appointment(userId, locator);
      if (shown.kind === 'responded') return ok(responded(shown));
      return shown.kind === 'watched' ? this.#watched(userId, shown) : shown;
    });
  }

  getSubscriptionInfo(body: Uint8Array, guess: Dialect): Promise<Answer> {
    const operation = 'get_subscription_info';
    const parsed = requests.parseGetSubscriptionInfo(body);
    if (!parsed.ok) return this.#malformed(operation, guess, parsed.problem);
    const message = getSubscriptionInfoRequest();
    return this.#authenticated(operation, message, parsed.value.signature, guess, async (gatekeeper, userId) => {
      const outcome = gatekeeper.subscription(userId);
      return outcome.kind === 'subscription' ? ok(subscription(outcome)) : outcome;
    });
  }

  #authenticated(
    operation: Operation,
    message: Uint8Array,
    signature: string,
    guess: Dialect,
    act: (gatekeeper: GatekeeperFace, userId: UserId, dialect: Dialect) => Promise<Answer | Refusal>,
  ): Promise<Answer> {
    const userId = recoverSigner(message, signature);
    if (!userId) return Promise.resolve(refused(operation, guess, { kind: 'authentication-failed' }));
    const dialect = () => this.needs.dialectOf(userId) ?? guess;
    return this.#answer(operation, userId, dialect, (gatekeeper) => act(gatekeeper, userId, dialect()));
  }

  async #answer(
    operation: Operation,
    userId: UserId,
    dialect: () => Dialect,
    act: (gatekeeper: GatekeeperFace) => Promise<Answer | Refusal>,
  ): Promise<Answer> {
    const outcome = await this.#attempt(operation, userId, act);
    const answer = 'kind' in outcome ? refused(operation, dialect(), outcome) : outcome;
    const reason = 'kind' in outcome ? outcome.kind : undefined;
    this.needs.log.debug({ operation, user: userId, status: answer.status, reason }, 'answered');
    return answer;
  }

  async #attempt(operation: Operation, userId: UserId, act: (gatekeeper: GatekeeperFace) => Promise<Answer | Refusal>) {
    const gatekeeper = this.needs.gatekeeper(userId);
    const away: Refusal = { kind: 'unavailable', why: 'the tower is starting or cannot reach its log' };
    if (!gatekeeper) return away;
    try {
      const outcome = await act(gatekeeper);
      if (!('kind' in outcome) || outcome.kind === 'unavailable') return outcome;
      // Another node may have granted what this one has not heard of yet: only who is level with the log says no.
      await gatekeeper.level();
      return await act(gatekeeper);
    } catch (error) {
      // The client is told to come again; whether the request was carried out is found out by asking again.
      this.needs.log.error({ err: error, operation, user: userId }, 'a request could not be carried out');
      return away;
    }
  }

  async #watched(userId: UserId, { locator, blob: ref, toSelfDelay }: Shown & { kind: 'watched' }) {
    const blob = await this.needs.blob(userId, ref);
    if (!blob) return { kind: 'unavailable', why: 'the blob is not stored' } as const;
    return ok<GetAppointmentAnswer>({
      locator,
      status: 'being_watched',
      appointment: { locator, encrypted_blob: toHex(blob), to_self_delay: toSelfDelay },
    });
  }

  async #malformed(operation: Operation, dialect: Dialect, problem: requests.Problem): Promise<Answer> {
    const { status, code, text } = words[dialect].malformed(operation, problem);
    return {
      status,
      body: { error: text, ...(code !== undefined && { error_code: code }), reason: 'malformed-request' },
    };
  }

  #tooSmall(received: number): requests.Problem {
    const least = this.needs.minToSelfDelay;
    const text = `to_self_delay too small. The to_self_delay should be at least ${least} (current: ${received})`;
    return { field: 'to_self_delay', kind: 'too-small', text };
  }
}

/** What is sent back: an HTTP status, also where the door is NATS, and a JSON body. */
export interface Answer {
  readonly status: number;
  readonly body: object;
}

/** What the Gateway needs of the Gatekeeper of a user's shard. */
export interface GatekeeperFace {
  register(userId: UserId, dialect: Dialect): Promise<Registered | Refusal>;
  addAppointment(request: {
    readonly userId: UserId;
    readonly locator: Accepted['locator'];
    readonly blob: Uint8Array;
    readonly toSelfDelay: number;
    readonly userSignature: string;
  }): Promise<Accepted | Refusal>;
  appointment(userId: UserId, locator: Accepted['locator']): Shown | Refusal;
  subscription(userId: UserId): SubscriptionInfo | Refusal;
  /** Resolves when what other nodes have put on the log is known here too; rejects if that takes too long. */
  level(): Promise<void>;
}

export interface GatewayNeeds {
  /** The Gatekeeper of a user's shard; undefined while that shard is not ready. */
  readonly gatekeeper: (userId: UserId) => GatekeeperFace | undefined;
  /** The dialect that a user registered with, if it did. */
  readonly dialectOf: (userId: UserId) => Dialect | undefined;
  readonly blob: (userId: UserId, ref: BlobRef) => Promise<Uint8Array | undefined>;
  readonly maxBlobBytes: number;
  /** The smallest to_self_delay taken from a python client, in blocks. */
  readonly minToSelfDelay: number;
  readonly log: Logger;
}

const ok = <Body extends object>(body: Body): Answer => ({ status: 200, body });

function refused(operation: Operation, dialect: Dialect, refusal: Refusal): Answer {
  const { status, code, text } = words[dialect].refused(operation, refusal);
  return { status, body: { error: text, ...(code !== undefined && { error_code: code }), reason: refusal.kind } };
}

const registered = (userId: UserId, outcome: Registered): RegisterAnswer => ({
  user_id: userId,
  public_key: userId,
  available_slots: outcome.slots,
  subscription_start: outcome.start,
  subscription_expiry: outcome.expiry,
  subscription_signature: outcome.receiptSignature,
});

const accepted = (outcome: Accepted): AddAppointmentAnswer => ({
  locator: outcome.locator,
  start_block: outcome.startBlock,
  signature: outcome.receiptSignature,
  available_slots: outcome.slots,
  subscription_expiry: outcome.expiry,
});

const responded = ({ locator, disputeTxid, penalty }: Shown & { kind: 'responded' }): GetAppointmentAnswer => ({
  locator,
  status: 'dispute_responded',
  appointment: { locator, dispute_txid: disputeTxid, penalty_txid: penalty.txid, penalty_rawtx: penalty.rawTx },
});

const subscription = ({ slots, expiry, locators }: SubscriptionInfo): SubscriptionInfoAnswer => ({
  available_slots: slots,
  subscription_expiry: expiry,
  locators: [...locators],
  appointments: [...locators],
});
