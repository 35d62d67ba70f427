import { z } from 'zod';

/**
 * The field's identifiers, as lower-case hex text that was parsed once, at the edge.
 *
 * A schema here is the parser of its id: `Txid.parse(text)` gives the branded type or throws a `ZodError`.
 * Transaction ids and block hashes are in display order, as bitcoind's RPC prints them; where their bytes are
 * in internal order (the order the hash function outputs), the variable's name says so.
 */
const hexOf = (bytes: number, name: string) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `${name} is ${2 * bytes} lower-case hex digits`);

/** A transaction id: 32 bytes, display order. */
export const Txid = hexOf(32, 'a txid').brand<'Txid'>();
export type Txid = z.infer<typeof Txid>;

/** A block's hash: 32 bytes, display order. */
export const BlockHash = hexOf(32, 'a block hash').brand<'BlockHash'>();
export type BlockHash = z.infer<typeof BlockHash>;

/** What a client names an appointment by and the tower finds a breach by: 16 bytes, made of a txid by a scheme. */
export const Locator = hexOf(16, 'a locator').brand<'Locator'>();
export type Locator = z.infer<typeof Locator>;

/** A user: a compressed secp256k1 public key, 33 bytes. */
export const UserId = z
  .string()
  .regex(/^0[23][0-9a-f]{64}$/, 'a user id is 66 lower-case hex digits beginning with 02 or 03')
  .brand<'UserId'>();
export type UserId = z.infer<typeof UserId>;

/** The tower: a compressed secp256k1 public key, 33 bytes, under which its receipts verify. */
export const TowerId = z
  .string()
  .regex(/^0[23][0-9a-f]{64}$/, 'a tower id is 66 lower-case hex digits beginning with 02 or 03')
  .brand<'TowerId'>();
export type TowerId = z.infer<typeof TowerId>;

/** One user's appointment: RIPEMD160(locator || user id), 20 bytes (teos-protocol A2, "uuid"). */
export const AppointmentId = hexOf(20, 'an appointment id').brand<'AppointmentId'>();
export type AppointmentId = z.infer<typeof AppointmentId>;

/** An invite: the first 16 bytes of SHA-256 of its token. */
export const InviteId = hexOf(16, 'an invite id').brand<'InviteId'>();
export type InviteId = z.infer<typeof InviteId>;

/** A commit: 16 random bytes, by which a writer knows its own append again after a lost ack. */
export const CommitId = hexOf(16, 'a commit id').brand<'CommitId'>();
export type CommitId = z.infer<typeof CommitId>;

/** A block's height; also a 32-bit unsigned integer on every wire that carries one. */
export const Height = z.number().int().min(0).max(0xffffffff).brand<'Height'>();
export type Height = z.infer<typeof Height>;

/** Which of the log's groups of users: 0 to `shards` - 1. */
export const Shard = z.number().int().min(0).max(9999).brand<'Shard'>();
export type Shard = z.infer<typeof Shard>;

/** A message's position in its stream, from 1; 0 is "before the first". */
export type Position = number;
