import { z } from 'zod';
import { fromHex, utf8 } from '../bytes.js';
import { type Commit, decodeCommit } from '../commit.js';
import { kinOf, Successions } from '../identity.js';
import { Locator, type TowerId, type UserId } from '../ids.js';
import { recoverSigner, signerIs } from '../signing/message.js';
import { appointmentReceipt } from '../signing/receipts.js';
import { headMessage, TreeHead, treeOf } from '../tree-head.js';
import type { AppointmentAccepted } from '../user.js';
import { leafHash, verifyConsistency, verifyInclusion } from './merkle.js';

/** Proof that an appointment is on the tower's log: what the tower gives, and how its user verifies it without the tower. */

/** The longest that there can be, with room: two hashes for each bit of a size. */
const MOST_HASHES = 128;
const Hashes = z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(MOST_HASHES);

export const AppointmentProof = z.object({
  /** The head that it is a proof under. */
  head: TreeHead,
  /** Where the log has the commit that accepted the appointment. */
  position: z.number().int().min(1),
  /** That commit's bytes, which are UTF-8. */
  commit: z.string(),
  /** That the commit is in the tree of the head: hashes in hex, in the order of RFC 9162. */
  inclusion: Hashes,
  /** That the tree of the head begins with that of an older one. */
  consistency: Hashes.optional(),
  /** The statements that lead from one identity of the tower to the others, where it has had more than one. */
  successions: Successions.optional(),
});
export type AppointmentProof = z.infer<typeof AppointmentProof>;

/** What a user keeps, and what anybody can verify who knows the tower's id. Its JSON is what `argus client verify` reads. */
export const Evidence = z.object({
  /** As the tower gave it. */
  receipt: z.object({
    locator: Locator,
    startBlock: z.number().int().min(0).max(0xffffffff),
    userSignature: z.string(),
    signature: z.string(),
  }),
  proof: AppointmentProof,
  /** A head that the user had before, whose tree the proof's has to begin with. */
  older: TreeHead.optional(),
});
export type Evidence = z.infer<typeof Evidence>;

/** What is wrong with a piece of evidence, the first thing found; undefined if it proves what it is to prove. Never throws. */
export function wrongWith({ receipt, proof, older }: Evidence, towerId: TowerId): string | undefined {
  const { head, position, commit, inclusion, consistency } = proof;
  const kin = kinOf(towerId, proof.successions ?? []);
  if (!isSigned(head, kin)) return `the head is not signed by tower ${towerId}`;
  const leaf = leafHash(utf8(commit));
  if (!verifyInclusion(leaf, position - 1, treeOf(head), inclusion.map(fromHex)))
    return `the commit is not at position ${position} of the tree of the head`;
  const accepted = acceptedBy(commit, receipt);
  if (!accepted) return 'the commit does not accept the appointment of the receipt';
  const { userSignature, startBlock } = receipt;
  const dialect = accepted.event.scheme === 'teos-display' ? 'python' : 'rust';
  if (!signerIs(appointmentReceipt(dialect, { userSignature, startBlock }), receipt.signature, towerId))
    return `the receipt is not signed by tower ${towerId}`;
  if (!older) return undefined;
  if (older.shard !== head.shard || !isSigned(older, kin)) return 'the older head is not one of this log';
  if (!consistency) return 'there is no proof that the tree of the head begins with that of the older one';
  return verifyConsistency(treeOf(older), treeOf(head), consistency.map(fromHex))
    ? undefined
    : 'the tree of the head does not begin with that of the older one: the tower has changed its log';
}

/** Heads are signed by the identity in force; receipts by the one that their user knows. */
function isSigned(head: TreeHead, kin: ReadonlySet<string>): boolean {
  const signer = recoverSigner(headMessage(head), head.signature);
  return signer !== undefined && kin.has(signer);
}

/** Whose the receipt is and the event that it is of; undefined if the commit has none such. */
export function acceptedBy(
  text: string,
  receipt: Evidence['receipt'],
): { readonly userId: UserId; readonly event: AppointmentAccepted } | undefined {
  const commit = readCommit(text);
  if (commit?.aggregate.kind !== 'user') return undefined;
  const event = (commit.events as readonly Commit['events'][number][]).find(
    (event): event is AppointmentAccepted =>
      event.type === 'AppointmentAccepted' &&
      event.locator === receipt.locator &&
      event.startBlock === receipt.startBlock &&
      event.userSignature === receipt.userSignature &&
      event.receiptSignature === receipt.signature,
  );
  return event && { userId: commit.aggregate.id, event };
}

function readCommit(text: string): Commit | undefined {
  try {
    return decodeCommit(utf8(text));
  } catch {
    return undefined;
  }
}
