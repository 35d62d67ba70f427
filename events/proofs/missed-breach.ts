import { z } from 'zod';
import { BlockHash, Locator, UserId } from '../ids.js';
import { Dialect } from '../signing/receipts.js';
import { AppointmentProof } from './appointment-proof.js';
import { POW_NETWORKS } from './headers.js';

/**
 * Evidence of a missed breach: one file that has all that is needed to see, without the tower, what it promised, that the
 * dispute was mined in the time of that promise, and what became of the money. `wrongWithBreach` verifies it.
 */

export const MISSED_BREACH = 'argus missed breach';

const u32 = z.number().int().min(0).max(0xffffffff);
const hexOf = (most: number) =>
  z
    .string()
    .max(2 * most)
    .regex(/^([0-9a-f]{2})+$/, 'lower-case hex');
const Signature = z.string().regex(/^[a-km-uw-z13-9]{104}$/i, 'a signature is 104 characters of zbase32');

/** What no transaction is longer than, in bytes. */
const MOST_TRANSACTION = 4_000_000;
/** The most headers that a file has: two months and a half. */
export const MOST_HEADERS = 10_000;

/** What a client keeps of an appointment, and more the better. */
export const PromiseOf = z.object({
  userId: UserId,
  /** The generation of the client. */
  dialect: Dialect,
  /** What was entrusted: the blob in hex. */
  appointment: z.object({ locator: Locator, encryptedBlob: hexOf(1_000_000), toSelfDelay: u32 }),
  receipt: z.object({ startBlock: u32, userSignature: Signature, signature: Signature }),
  /** That the tower's log has it. */
  proof: AppointmentProof.optional(),
  /** The receipt of the registration, or of the last renewal before the dispute. */
  subscription: z.object({ slots: u32, start: u32, expiry: u32, signature: Signature }).optional(),
});
export type Promised = z.infer<typeof PromiseOf>;

/** A transaction, and bitcoind's `gettxoutproof` that it is in a block. */
const Mined = z.object({ rawTx: hexOf(MOST_TRANSACTION), inclusion: hexOf(MOST_TRANSACTION) });

export const MissedBreach = PromiseOf.extend({
  kind: z.literal(MISSED_BREACH),
  v: z.literal(1),
  network: z.enum(POW_NETWORKS),
  /** The proof is also of the coinbase, which says at which height its block is. */
  dispute: Mined.extend({ coinbase: hexOf(MOST_TRANSACTION) }),
  /** From the block of the dispute on, one after another: 80 bytes each. */
  headers: z.array(hexOf(80).length(160)).min(1).max(MOST_HEADERS),
  /** What took an output that the penalty was to take, where that is known. */
  spend: Mined.optional(),
  /** What the maker's bitcoind had for its tip; nothing follows from it. */
  made: z.object({ height: u32, hash: BlockHash }),
});
export type MissedBreach = z.infer<typeof MissedBreach>;

/** The evidence in a text; undefined if it has none, else what is wrong with its shape, or it. */
export function readMissedBreach(
  json: unknown,
): { readonly breach: MissedBreach } | { readonly why: string } | undefined {
  if (!z.looseObject({ kind: z.literal(MISSED_BREACH) }).safeParse(json).success) return undefined;
  const { data, error } = MissedBreach.safeParse(json);
  const [issue] = error?.issues ?? [];
  return data ? { breach: data } : { why: `${issue?.path.join('.') || 'the file'}: ${issue?.message}` };
}
