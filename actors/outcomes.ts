import type { AppointmentId, Height, Locator, Position, Shard, UserId } from '../events/ids.js';
import type { AdmittedBy } from '../events/policy.js';
import type { AppointmentProof } from '../events/proofs/appointment-proof.js';
import type { Dialect } from '../events/signing/receipts.js';
import type { BlobRef } from '../events/user.js';
import type { Penalty } from '../projections/tracker.js';

/** What the Gatekeeper answers and the Gateway puts into words: every outcome, and every refusal, is a member of its own. */

/** Why a request was not granted, by the field's names. */
export type Refusal =
  /** The tower holds as many appointments as it may. */
  | { readonly kind: 'appointment-limit-reached'; readonly limit: number }
  /** The appointment's breach is being answered; it cannot be changed any more. */
  | { readonly kind: 'already-triggered' }
  | { readonly kind: 'appointment-not-found' }
  /** The receipt that the request names is not of the appointment as it is now. */
  | { readonly kind: 'receipt-replaced' }
  /** No head was signed at that size. */
  | { readonly kind: 'head-not-found'; readonly size: number }
  /** The log has it at a position that no head is over yet, or not the one asked for: the next block brings one. */
  | { readonly kind: 'not-under-head'; readonly position: Position }
  /** The log is not hashed so far on the node that was asked; ask again. */
  | { readonly kind: 'proof-unavailable' }
  /** No user with that key. A bad signature recovers to a key that nobody registered, so the two are one. */
  | { readonly kind: 'authentication-failed' }
  | { readonly kind: 'not-enough-slots'; readonly needed: number; readonly available: number }
  | { readonly kind: 'subscription-expired'; readonly expiry: Height }
  /** One more registration would give the user more slots than 32 bits hold. */
  | { readonly kind: 'max-slots-reached' }
  /** A newcomer needs an invite here, and came without one. */
  | { readonly kind: 'invite-required' }
  /** The invite lets nobody in, or nobody else. */
  | { readonly kind: 'invite-refused'; readonly why: 'unknown' | 'used-up' | 'expired' | 'revoked' }
  /** The tower is for those on its operator's list. */
  | { readonly kind: 'not-allowed' }
  /** The tower has as many users as it may. */
  | { readonly kind: 'user-limit-reached'; readonly limit: number }
  /** More requests came from there, or of that user, than the tower takes. Nothing was looked at; `retryMs`: when it will be. */
  | { readonly kind: 'rate-limited'; readonly retryMs: number }
  /** The key registered as the other generation. Anyone may register any key, so nobody changes how its user is spoken to. */
  | { readonly kind: 'other-dialect'; readonly dialect: Dialect }
  /** No node of the tower serves the user's shard now. Nothing was changed. */
  | { readonly kind: 'shard-not-served'; readonly shard: Shard }
  /**
   * The tower cannot do its part now: the log does not answer, or the chain was never seen. Nothing was changed. If it is
   * another node that does not answer, the request may have been carried out, and says nothing of this one.
   */
  | { readonly kind: 'unavailable'; readonly why: string; readonly elsewhere?: true };

/** Who may register: anybody, who has an invite, or who is on the operator's list. */
export const registrationPolicies = ['open', 'invite', 'allow'] as const;
export type RegistrationPolicy = (typeof registrationPolicies)[number];

/** Somebody wants to register. */
export interface Applicant {
  readonly userId: UserId;
  /** Whether it has no subscription yet, or none any more. */
  readonly isNew: boolean;
  /** The token that it came with, as it was sent. */
  readonly invite: string | undefined;
  readonly height: Height;
  /** How long it may take, in ms. */
  readonly patience: number;
}

/** It may; `by`: by what, where not everybody may. */
export interface Admission {
  readonly kind: 'admitted';
  readonly by?: AdmittedBy;
}

export interface Registered {
  readonly kind: 'registered';
  readonly dialect: Dialect;
  /** Slots available now. */
  readonly slots: number;
  readonly start: Height;
  readonly expiry: Height;
  readonly receiptSignature: string;
}

export interface Accepted {
  readonly kind: 'accepted';
  readonly appointmentId: AppointmentId;
  readonly locator: Locator;
  readonly startBlock: Height;
  readonly receiptSignature: string;
  /** Slots available now. */
  readonly slots: number;
  readonly expiry: Height;
}

export interface Deleted {
  readonly kind: 'deleted';
  readonly locator: Locator;
  readonly receiptSignature: string;
  /** Slots available now. */
  readonly slots: number;
  readonly expiry: Height;
}

/** An appointment as its user may see it. */
export type Shown =
  | {
      readonly kind: 'watched';
      readonly locator: Locator;
      readonly blob: BlobRef;
      readonly toSelfDelay: number;
    }
  | {
      readonly kind: 'responded';
      readonly locator: Locator;
      readonly disputeTxid: string;
      readonly penalty: Penalty;
    };

/** Where the log has the commit that accepted an appointment as it is now. */
export interface Placed {
  readonly kind: 'placed';
  readonly position: Position;
}

export interface Proven extends AppointmentProof {
  readonly kind: 'proven';
}

export interface SubscriptionInfo {
  readonly kind: 'subscription';
  readonly slots: number;
  readonly expiry: Height;
  readonly locators: readonly Locator[];
}
