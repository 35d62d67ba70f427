import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Height, InviteId, UserId } from './ids.js';

/**
 * Whom the operator lets in: each invite is an aggregate, and the list of users who need none is another one, decided by
 * the Doorkeeper. They are of no shard, so they have a stream of their own, which every node folds.
 *
 * What is asked of a newcomer (nothing, an invite, to be on the list) is configuration, and is on no log.
 */

/** The operator made an invite. Its token is on no log: the invite's id is all that there is of it. */
export const InviteCreated = z.strictObject({
  type: z.literal('InviteCreated'),
  /** How many users it lets in. */
  uses: z.number().int().min(1).max(1_000_000),
  /** At this height, and from this moment on, it lets in nobody new; null for never. */
  expiryHeight: Height.nullable(),
  expiryTime: z.iso.datetime({ precision: 3 }).nullable(),
  /** The operator's own words about it, for ever. */
  note: z.string().min(1).max(200).nullable(),
});
export type InviteCreated = z.infer<typeof InviteCreated>;

/** It let a user in: one more of its uses is that user's. The registration itself is the user's own event, and follows. */
export const InviteUsed = z.strictObject({ type: z.literal('InviteUsed'), userId: UserId, height: Height });
export type InviteUsed = z.infer<typeof InviteUsed>;

/** The operator took it back: it lets in nobody from now on, whoever used it before. */
export const InviteRevoked = z.strictObject({ type: z.literal('InviteRevoked') });
export type InviteRevoked = z.infer<typeof InviteRevoked>;

/** The operator put a user on the list of those who need no invite. */
export const UserAllowed = z.strictObject({ type: z.literal('UserAllowed'), userId: UserId });
export type UserAllowed = z.infer<typeof UserAllowed>;

/** The operator took a user off that list; its subscription, if it has one, goes on. */
export const UserDisallowed = z.strictObject({ type: z.literal('UserDisallowed'), userId: UserId });
export type UserDisallowed = z.infer<typeof UserDisallowed>;

/** What of the nodes' limits may be changed for the whole tower while it runs; the names are those of the settings (`limits.*`). */
export const LimitName = z.enum([
  'maxAppointments',
  'maxSlotsPerUser',
  'maxUsers',
  'minToSelfDelay',
  'registrationsPerMinute',
  'sourceRequestsPerSecond',
  'userRequestsPerSecond',
]);
export type LimitName = z.infer<typeof LimitName>;

/** The operator set limits of the tower, which go before what its nodes are configured with; null is each node's own again. */
export const LimitsChanged = z.strictObject({
  type: z.literal('LimitsChanged'),
  limits: z.partialRecord(LimitName, z.number().int().min(0).max(0xffffffff).nullable()),
});
export type LimitsChanged = z.infer<typeof LimitsChanged>;

export type LimitsEvent = LimitsChanged;
export type InviteEvent = InviteCreated | InviteUsed | InviteRevoked;
export type AllowListEvent = UserAllowed | UserDisallowed;
export type PolicyEvent = InviteEvent | AllowListEvent | LimitsEvent;

/** By what a newcomer was let in where not everybody is. */
export const AdmittedBy = z.union([z.strictObject({ inviteId: InviteId }), z.literal('allow-list')]);
export type AdmittedBy = z.infer<typeof AdmittedBy>;

/**
 * What an invite is handed out as: 160 random bits in lower-case base32 (RFC 4648). So it is the label of a host name, too,
 * and is compared without regard to case, as those are.
 */
export const InviteToken = z
  .string()
  .toLowerCase()
  .regex(/^[a-z2-7]{32}$/, 'an invite is 32 letters and digits, of a to z and 2 to 7')
  .brand<'InviteToken'>();
export type InviteToken = z.infer<typeof InviteToken>;

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
export const TOKEN_BYTES = 20;

/** The token of so many random bytes. */
export function inviteToken(random: Uint8Array): InviteToken {
  const bits = Array.from(random, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const fives = bits.match(/.{5}/g) ?? [];
  return InviteToken.parse(fives.map((five) => BASE32[Number.parseInt(five, 2)]).join(''));
}

/** The id of a token's invite: the first 16 bytes of SHA-256 of its text. Nobody finds the token by it. */
export const inviteIdOf = (token: InviteToken): InviteId =>
  createHash('sha256').update(token, 'ascii').digest('hex').slice(0, 32) as InviteId;
