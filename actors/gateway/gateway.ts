import type { Logger } from 'pino';
import type { Locator, UserId } from '../../events/ids.js';
import {
  deleteAppointmentRequest,
  getAppointmentRequest,
  getProofRequest,
  getSubscriptionInfoRequest,
  serializeAppointment,
} from '../../events/signing/appointment.js';
import type { Dialect } from '../../events/signing/receipts.js';
import type { BlobRef } from '../../events/user.js';
import type { Proven, Refusal } from '../outcomes.js';
import { why } from '../runtime/why.js';
import {
  type Answer,
  accepted,
  deleted,
  proven,
  refusedWith,
  registered,
  responded,
  subscription,
  watched,
} from './answers.js';
import { words } from './dialect.js';
import type { Fault, FieldLimits } from './faults.js';
import type { GatekeeperFace } from './gatekeeper-face.js';
import type { Source } from './http-source.js';
import { cautious, isForNow, late, limited } from './overload.js';
import { delayTooSmall } from './python-fields.js';
import type { RateLimiter } from './rate-limiter.js';
import type { Noted, RequestLog } from './request-log.js';
import * as requests from './requests.js';

/**
 * The Gateway: from a client's bytes to the Gatekeeper and back, whatever the door they came through.
 *
 *   NATS door --bytes--> Gateway --who, what--> Gatekeeper of the user's shard
 *   HTTP door <-answer--    |    <--outcome---
 *                           +-------bytes-----> Gateway of a node that serves the shard, if this one does not
 *
 * takes   serve    one of the operations: a request's bytes, and who the door thinks is asking
 *         refuse   a request that the door found at fault before its bytes were read
 * gives   an answer: status and JSON body, in the dialect that the user registered with
 *
 * It bounds, parses, recovers the user from the signature and translates; it decides nothing.
 */
export class Gateway {
  constructor(private readonly needs: GatewayNeeds) {}

  /** How many bytes a request may have; a door need not read more. */
  mostBytes(operation: requests.Operation): number {
    return requests.mostBytes(operation, this.needs.limits.maxBlobBytes);
  }

  serve(operation: requests.Operation, body: Uint8Array, caller: Caller): Promise<Answer> {
    const noted: Noted = { operation, request: caller.id };
    return this.needs.requests.of(noted, () => this.#serve({ operation, body, caller, noted }));
  }

  async #serve(request: Request): Promise<Answer> {
    const { operation, body, caller } = request;
    if (this.needs.isLate()) return late(operation, caller);
    // What another node passes on was counted at its door.
    const tooMany = caller.relayed ? undefined : this.needs.limiter.ofSource(operation, caller.source);
    if (tooMany) return limited(operation, tooMany, cautious(operation, caller));
    const json = requests.objectOf(body, this.mostBytes(operation));
    if (!json.ok) return this.#fault(operation, json.fault, caller.dialect);
    switch (operation) {
      case 'register':
        return this.#register(json.value, request);
      case 'add_appointment':
        return this.#addAppointment(json.value, request);
      case 'delete_appointment':
        return this.#deleteAppointment(json.value, request);
      case 'get_appointment':
        return this.#getAppointment(json.value, request);
      case 'get_proof':
        return this.#getProof(json.value, request);
      case 'get_subscription_info':
        return this.#getSubscriptionInfo(json.value, request);
    }
  }

  /** The answer to a request that cannot be read. */
  refuse(
    operation: requests.Operation,
    fault: Fault,
    { id, dialect }: Pick<Caller, 'id' | 'dialect'>,
  ): Promise<Answer> {
    return this.needs.requests.of({ operation, request: id }, async () => this.#fault(operation, fault, dialect));
  }

  #fault(operation: requests.Operation, fault: Fault, dialect: Dialect): Answer {
    return refusedWith('malformed-request', words[dialect].malformed(operation, fault, this.needs.limits));
  }

  async #register(json: Record<string, unknown>, request: Request): Promise<Answer> {
    const { operation, caller } = request;
    const dialect = (caller.certain ? undefined : requests.dialectOfRegistration(json)) ?? caller.dialect;
    const parsed = requests.parseRegister(json, dialect);
    if (!parsed.ok) return this.#fault(operation, parsed.fault, dialect);
    const { userId, invite = caller.invite } = parsed.value;
    return this.#answer({ request, who: userId, known: () => dialect }, async (gatekeeper) => {
      const outcome = await gatekeeper.register(userId, dialect, caller.came, invite);
      return outcome.kind === 'registered' ? registered(userId, outcome) : outcome;
    });
  }

  async #addAppointment(json: Record<string, unknown>, request: Request): Promise<Answer> {
    const { limits } = this.needs;
    const { dialect, came = performance.now() } = request.caller;
    const parsed = requests.parseAddAppointment(json, limits.maxBlobBytes);
    if (!parsed.ok) return this.#fault(request.operation, parsed.fault, dialect);
    const { locator, blob, toSelfDelay, signature } = parsed.value;
    const message = serializeAppointment({ locator, encryptedBlob: blob, toSelfDelay });
    const asked = await this.#authenticate(request, message, signature, locator);
    // Only the python generation minds, and it looks at every field before it asks who signed.
    const isTooSmall = () => (asked.known() ?? dialect) === 'python' && toSelfDelay < limits.minToSelfDelay;
    const tooSmall = () => refusedWith('malformed-request', delayTooSmall(toSelfDelay, limits.minToSelfDelay));
    if (typeof asked.who !== 'string' && isTooSmall()) return tooSmall();
    return this.#answer(asked, async (gatekeeper, userId) => {
      if (isTooSmall()) return tooSmall();
      const userSignature = signature;
      const outcome = await gatekeeper.addAppointment({ userId, locator, blob, toSelfDelay, userSignature, came });
      return outcome.kind === 'accepted' ? accepted(outcome) : outcome;
    });
  }

  async #deleteAppointment(json: Record<string, unknown>, request: Request): Promise<Answer> {
    const { came = performance.now() } = request.caller;
    const parsed = requests.parseDeleteAppointment(json);
    if (!parsed.ok) return this.#fault(request.operation, parsed.fault, request.caller.dialect);
    const { locator, receipt, signature: userSignature } = parsed.value;
    const asked = await this.#authenticate(request, deleteAppointmentRequest(locator, receipt), userSignature, locator);
    return this.#answer(asked, async (gatekeeper, userId) => {
      const outcome = await gatekeeper.deleteAppointment({ userId, locator, receipt, userSignature, came });
      return outcome.kind === 'deleted' ? deleted(outcome) : outcome;
    });
  }

  async #getAppointment(json: Record<string, unknown>, request: Request): Promise<Answer> {
    const parsed = requests.parseGetAppointment(json);
    if (!parsed.ok) return this.#fault(request.operation, parsed.fault, request.caller.dialect);
    const { locator, locatorText, signature } = parsed.value;
    const asked = await this.#authenticate(request, getAppointmentRequest(locatorText), signature, locatorText);
    return this.#answer(asked, async (gatekeeper, userId) => {
      for (let tries = 0; ; tries++) {
        const shown = await gatekeeper.appointment(userId, locator);
        if (shown.kind === 'responded') return responded(shown);
        if (shown.kind !== 'watched') return shown;
        const blob = await this.needs.blob(userId, shown.blob);
        if (blob) return watched(shown, blob);
        // It may have ended or been replaced since it was looked up: then the blob is gone, and nothing is amiss.
        if (tries > 0) return { kind: 'unavailable', why: 'the blob is not stored' };
      }
    });
  }

  async #getProof(json: Record<string, unknown>, request: Request): Promise<Answer> {
    const parsed = requests.parseGetProof(json);
    if (!parsed.ok) return this.#fault(request.operation, parsed.fault, request.caller.dialect);
    const { locator, locatorText, signature, ...proof } = parsed.value;
    const asked = await this.#authenticate(request, getProofRequest(locatorText), signature, locatorText);
    return this.#answer(asked, async (_gatekeeper, userId) => {
      const outcome = await this.needs.prove(userId, locator, proof);
      return outcome.kind === 'proven' ? proven(outcome) : outcome;
    });
  }

  async #getSubscriptionInfo(json: Record<string, unknown>, request: Request): Promise<Answer> {
    const parsed = requests.parseGetSubscriptionInfo(json);
    if (!parsed.ok) return this.#fault(request.operation, parsed.fault, request.caller.dialect);
    const asked = await this.#authenticate(request, getSubscriptionInfoRequest(), parsed.value.signature);
    return this.#answer(asked, async (gatekeeper, userId) => {
      const outcome = await gatekeeper.subscription(userId);
      return outcome.kind === 'subscription' ? subscription(outcome) : outcome;
    });
  }

  /** Who asks, by the signature, and how that user is spoken to. */
  async #authenticate(request: Request, message: Uint8Array, signature: string, locator?: string): Promise<Asked> {
    const signer = await this.#recover(message, signature);
    const known = () => (typeof signer === 'string' ? this.needs.dialectOf(signer) : undefined);
    const isCounted = typeof signer === 'string' && !request.caller.relayed;
    const who = (isCounted && this.needs.limiter.ofUser(signer)) || signer;
    return { request, who, known, locator };
  }

  async #recover(message: Uint8Array, signature: string): Promise<UserId | Refusal> {
    try {
      const userId = await this.needs.recover(message, signature);
      // This node may have stood still meanwhile.
      return this.needs.isLate() ? stoodStill : (userId ?? nobody);
    } catch (error) {
      this.needs.log.warn(why(error), 'it could not be told who signed a request');
      return away;
    }
  }

  async #answer(asked: Asked, act: Act): Promise<Answer> {
    const { request, who, locator } = asked;
    if (typeof who === 'string') request.noted.user = who;
    if (locator !== undefined) request.noted.locator = locator;
    const outcome = typeof who === 'string' ? await this.#attempt(request, who, act) : who;
    return 'kind' in outcome ? refused(asked, outcome) : outcome;
  }

  async #attempt(request: Request, userId: UserId, act: Act): Promise<Answer | Refusal> {
    const gatekeeper = this.needs.gatekeeper(userId);
    // What another node has passed on goes no further: two that take each other to serve a shard would go on for ever.
    if (!gatekeeper) return request.caller.relayed ? away : this.needs.passOn(userId, request);
    try {
      const outcome = await act(gatekeeper, userId);
      if (!('kind' in outcome) || outcome.kind === 'unavailable') return outcome;
      // Another node may have granted what this one has not heard of yet: only who is level with the log says no.
      await gatekeeper.level();
      return await act(gatekeeper, userId);
    } catch (error) {
      // The client is told to come again; whether the request was carried out is found out by asking again.
      this.needs.log.error({ err: error, ...request.noted }, 'a request could not be carried out');
      return away;
    }
  }
}

/** Who a door thinks is asking, while the tower does not know better. */
export interface Caller {
  readonly dialect: Dialect;
  /** Whether the operator has said so, by giving that generation a port of its own. */
  readonly certain: boolean;
  /** Where it comes from, as far as the door can tell. */
  readonly source?: Source | undefined;
  /** The token that is in the host name which it asked for, if one is. */
  readonly invite?: string | undefined;
  /** Whether the door was another node's, which does not serve the user's shard. */
  readonly relayed?: boolean;
  /** What the request is called in the logs of all nodes, and in the answer. */
  readonly id?: string | undefined;
  /** When the request came, in ms of `performance.now()`; now unless told. */
  readonly came?: number;
}

/** A request as it came. */
export interface Request {
  readonly operation: requests.Operation;
  readonly body: Uint8Array;
  readonly caller: Caller;
  /** What of it the node's log tells. */
  readonly noted: Noted;
}

interface Asked {
  readonly request: Request;
  /** Who signed it; else why that is not known, such as that nobody can have made the signature. */
  readonly who: UserId | Refusal;
  /** Of which generation, if that is known. Asked when the answer is put into words: until then another node may have heard of the user. */
  readonly known: () => Dialect | undefined;
  /** As it was sent. */
  readonly locator?: string | undefined;
}

function refused({ request: { operation, caller }, known, locator }: Asked, refusal: Refusal): Answer {
  const dialect = known() ?? (isForNow(refusal) ? cautious(operation, caller) : caller.dialect);
  if (refusal.kind === 'rate-limited') return limited(operation, refusal, dialect);
  const answer = refusedWith(refusal.kind, words[dialect].refused(operation, refusal, locator));
  return 'elsewhere' in refusal ? { ...answer, relayed: true } : answer;
}

type Act = (gatekeeper: GatekeeperFace, userId: UserId) => Promise<Answer | Refusal>;

const stoodStill: Refusal = { kind: 'unavailable', why: 'the tower stood still for a while' };
const nobody: Refusal = { kind: 'authentication-failed' };
const away: Refusal = { kind: 'unavailable', why: 'the tower is starting or cannot reach its log' };

export interface GatewayNeeds {
  /**
   * Who signed a message, as `recoverSigner` tells; in the order in which it is asked. Rejects where there is no time for it.
   */
  readonly recover: (message: Uint8Array, signatureText: string) => Promise<UserId | undefined>;
  /** The Gatekeeper of a user's shard; undefined while that shard is not ready on this node, or never is. */
  readonly gatekeeper: (userId: UserId) => GatekeeperFace | undefined;
  /** What a node that serves the user's shard answers; it never rejects. */
  readonly passOn: (userId: UserId, request: Request) => Promise<Answer | Refusal>;
  /** The dialect that a user registered with, if it did. */
  readonly dialectOf: (userId: UserId) => Dialect | undefined;
  readonly blob: (userId: UserId, ref: BlobRef) => Promise<Uint8Array | undefined>;
  /** The proof for an appointment of a user. */
  readonly prove: (
    userId: UserId,
    locator: Locator,
    asked: { readonly size?: number | undefined; readonly from?: number | undefined },
  ) => Promise<Proven | Refusal>;
  /** Whether a request that is served now may have been sent long ago. */
  readonly isLate: () => boolean;
  readonly limiter: Pick<RateLimiter, 'ofSource' | 'ofUser'>;
  readonly limits: FieldLimits;
  readonly requests: Pick<RequestLog, 'of'>;
  readonly log: Logger;
}
