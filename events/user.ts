import { z } from 'zod';
import { AppointmentId, Height, Locator, TowerId } from './ids.js';
import { ImportSource } from './import.js';
import { AdmittedBy } from './policy.js';
import { SchemeName } from './schemes/scheme.js';
import { Dialect } from './signing/receipts.js';

/** What happens to a user and to the appointments it pays for: one aggregate a user, decided by the Gatekeeper. */

const Slots = z.number().int().min(0).max(0xffffffff);
const Signature = z.string().regex(/^[a-km-uw-z13-9]{104}$/, 'a signature is 104 characters of zbase32');
/** Kept as it was received, since a rust client's receipt covers its very text. */
const UserSignature = z.string().regex(/^[a-km-uw-z13-9]{104}$/i, 'a signature is 104 characters of zbase32');

const subscription = {
  dialect: Dialect,
  /** The slots this registration adds. */
  slotsAdded: Slots,
  /** The slots available afterwards; what the receipt says. */
  slots: Slots,
  /** The height at which the subscription began. */
  start: Height,
  /** The height at which it expires. */
  expiry: Height,
  receiptSignature: Signature,
};

/** Version 1: of a tower that lets everybody in, and has one identity. */
export const UserRegisteredV1 = z.strictObject({ type: z.literal('UserRegistered'), ...subscription });

/** Version 2: of a tower that began with nothing. */
export const UserRegisteredV2 = z.strictObject({
  ...UserRegisteredV1.shape,
  /** By what right; left out where everybody may. */
  admittedBy: AdmittedBy.optional(),
  /** The tower's identity that signs for this user, also when it subscribes again; left out where it is the log's first. */
  identity: TowerId.optional(),
});

/** A public key that the tower did not know (or had forgotten) subscribed. */
export const UserRegistered = z.strictObject({
  ...UserRegisteredV2.shape,
  /**
   * The store of another tower that it was brought from, where it had subscribed: then `start` and `expiry` are those of there,
   * and `slots` what it had left there and what its appointments take that follow. Left out of whoever subscribed here.
   */
  importedFrom: ImportSource.optional(),
});
export type UserRegistered = z.infer<typeof UserRegistered>;

/** A user of the tower subscribed again: more slots, a later expiry, perhaps another dialect. */
export const SubscriptionRenewed = z.strictObject({ type: z.literal('SubscriptionRenewed'), ...subscription });
export type SubscriptionRenewed = z.infer<typeof SubscriptionRenewed>;

/** Where an encrypted blob is stored, and what it must hash to. */
export const BlobRef = z.strictObject({
  /** Its position in the shard's blob stream. */
  position: z.number().int().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Its size in bytes. */
  size: z.number().int().min(1),
});
export type BlobRef = z.infer<typeof BlobRef>;

/** An appointment was taken in, or replaced by a newer version of itself; its slots are charged by the same event. */
export const AppointmentAccepted = z.strictObject({
  type: z.literal('AppointmentAccepted'),
  appointmentId: AppointmentId,
  locator: Locator,
  scheme: SchemeName,
  /** What this version of the appointment costs in all. */
  slots: Slots,
  /** What is left to the user after it. */
  slotsLeft: Slots,
  startBlock: Height,
  /** Blocks; as the client sent it. */
  toSelfDelay: z.number().int().min(0).max(0xffffffff),
  blob: BlobRef,
  userSignature: UserSignature,
  receiptSignature: Signature,
});
export type AppointmentAccepted = z.infer<typeof AppointmentAccepted>;

/** What a user asked for when it had an appointment deleted: enough for anybody to verify that it did. */
export const Deletion = z.strictObject({
  locator: Locator,
  /** Where the version began that was deleted: the next one begins later. */
  startBlock: Height,
  /** The receipt's signature that the user named; null where its request was for whatever there was under the locator. */
  receipt: Signature.nullable(),
  /** The user's, of `deleteAppointmentRequest`. */
  userSignature: UserSignature,
  /** The tower's, of `deletionReceipt`. */
  receiptSignature: Signature,
});
export type Deletion = z.infer<typeof Deletion>;

/** Version 1: nobody could ask for it. */
export const AppointmentEndedV1 = z.strictObject({
  type: z.literal('AppointmentEnded'),
  appointmentId: AppointmentId,
  reason: z.enum(['resolved', 'expired', 'rejected']),
  slotsRefunded: Slots,
});

/**
 * An appointment is over.
 *
 * `resolved`: its penalty is irrevocable. `expired`: its subscription was outdated before any breach.
 * `rejected`: there was a breach, and the blob or its penalty can never become valid.
 * `deleted`: its user asked for that before any breach.
 */
export const AppointmentEnded = z
  .strictObject({
    ...AppointmentEndedV1.shape,
    reason: z.enum(['resolved', 'expired', 'rejected', 'deleted']),
    deletion: Deletion.optional(),
  })
  .refine(({ reason, deletion }) => (reason === 'deleted') === (deletion !== undefined), {
    error: 'a deletion goes with the reason deleted, and with no other',
  });
export type AppointmentEnded = z.infer<typeof AppointmentEnded>;

/** A subscription's time of grace is over: the user is forgotten, but for breaches still being answered. */
export const SubscriptionOutdated = z.strictObject({ type: z.literal('SubscriptionOutdated'), height: Height });
export type SubscriptionOutdated = z.infer<typeof SubscriptionOutdated>;

/**
 * Blobs of the user that no appointment refers to are erased: those up to this position of the shard's blob stream. No
 * appointment may come to refer to one of them any more.
 */
export const BlobsSwept = z.strictObject({ type: z.literal('BlobsSwept'), through: z.number().int().min(1) });
export type BlobsSwept = z.infer<typeof BlobsSwept>;

export type UserEvent =
  | UserRegistered
  | SubscriptionRenewed
  | AppointmentAccepted
  | AppointmentEnded
  | SubscriptionOutdated
  | BlobsSwept;
