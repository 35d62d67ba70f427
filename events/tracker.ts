import { z } from 'zod';
import { BlockRef } from './chain.js';
import { Height, Locator, Txid, UserId } from './ids.js';

/** What happens between a breach and the burial of its penalty: one aggregate an appointment, named by its id. */

const RawTransaction = z.string().regex(/^(?:[0-9a-f]{2})+$/, 'a raw transaction is lower-case hex');

/** The dispute transaction of an appointment is in a mempool, and no block of the best chain was known to hold it. */
export const BreachSighted = z.strictObject({
  type: z.literal('BreachSighted'),
  userId: UserId,
  locator: Locator,
  disputeTxid: Txid,
  /** The height of the tip when it was seen. */
  height: Height,
});
export type BreachSighted = z.infer<typeof BreachSighted>;

/** The dispute transaction of an appointment is in a block of the best chain. */
export const BreachDetected = z.strictObject({
  type: z.literal('BreachDetected'),
  userId: UserId,
  locator: Locator,
  disputeTxid: Txid,
  block: BlockRef,
  foundBy: z.enum(['watcher', 'locator-cache']),
});
export type BreachDetected = z.infer<typeof BreachDetected>;

/** The block with the dispute transaction left the best chain. */
export const BreachReorgedOut = z.strictObject({
  type: z.literal('BreachReorgedOut'),
  disputeTxid: Txid,
  block: BlockRef,
});
export type BreachReorgedOut = z.infer<typeof BreachReorgedOut>;

/**
 * There is no penalty for this dispute: the blob holds none, or the appointment ended before it was opened, or before a
 * dispute that was only seen in the mempool was ever mined.
 */
export const BlobRefused = z.strictObject({
  type: z.literal('BlobRefused'),
  /** The refused blob's position in the shard's blob stream; a later version of the appointment has another. 0 if there is none any more. */
  blob: z.number().int().min(0),
  reason: z.enum(['does-not-decrypt', 'not-a-transaction', 'appointment-ended']),
});
export type BlobRefused = z.infer<typeof BlobRefused>;

/** bitcoind took the penalty, or had it already. The raw transactions make the tracker independent of the blob. */
export const PenaltyBroadcast = z.strictObject({
  type: z.literal('PenaltyBroadcast'),
  penaltyTxid: Txid,
  rawTx: RawTransaction,
  /** For sending the dispute again should a reorg take it out; null where bitcoind could not give it. */
  disputeRawTx: RawTransaction.nullable(),
  height: Height,
});
export type PenaltyBroadcast = z.infer<typeof PenaltyBroadcast>;

/** Why bitcoind would not take a penalty. Only `invalid` is for ever; spent inputs are told by `PenaltyOutspent`. */
export const RefusalVerdict = z.enum(['inputs-missing-or-spent', 'policy', 'invalid', 'unknown']);
export type RefusalVerdict = z.infer<typeof RefusalVerdict>;

/** bitcoind would not take the penalty; recorded when the verdict is another than before. */
export const PenaltyRefused = z.strictObject({
  type: z.literal('PenaltyRefused'),
  penaltyTxid: Txid,
  /** The position of the blob that the penalty came out of, in the shard's blob stream; 0 if there is none any more. */
  blob: z.number().int().min(0),
  verdict: RefusalVerdict,
  /** bitcoind's JSON-RPC code and, where it gave one, its reject-reason token: for people, nothing is decided by it. */
  detail: z.string().max(200),
  height: Height,
  /** Whether the tower gives this penalty up; otherwise it is tried again at every block. */
  final: z.boolean(),
});
export type PenaltyRefused = z.infer<typeof PenaltyRefused>;

/** The penalty is in a block of the best chain. */
export const PenaltyConfirmed = z.strictObject({
  type: z.literal('PenaltyConfirmed'),
  penaltyTxid: Txid,
  block: BlockRef,
});
export type PenaltyConfirmed = z.infer<typeof PenaltyConfirmed>;

/** The block with the penalty left the best chain. */
export const PenaltyReorgedOut = z.strictObject({
  type: z.literal('PenaltyReorgedOut'),
  penaltyTxid: Txid,
  block: BlockRef,
});
export type PenaltyReorgedOut = z.infer<typeof PenaltyReorgedOut>;

/** The penalty is buried: 100 blocks, its own included. The tracker is done. */
export const PenaltyIrrevocable = z.strictObject({
  type: z.literal('PenaltyIrrevocable'),
  penaltyTxid: Txid,
  height: Height,
});
export type PenaltyIrrevocable = z.infer<typeof PenaltyIrrevocable>;

/** An output of a transaction. */
export const Outpoint = z.strictObject({ txid: Txid, vout: z.number().int().min(0).max(0xffffffff) });
export type Outpoint = z.infer<typeof Outpoint>;

/**
 * Another transaction, in a block of the best chain, spent what the penalty needs: an output that the penalty spends, or
 * one that its dispute spends while that is in no block itself.
 */
export const PenaltyOutspent = z.strictObject({
  type: z.literal('PenaltyOutspent'),
  penaltyTxid: Txid,
  /** The position of the blob that the penalty came out of; 0 if there is none any more. */
  blob: z.number().int().min(0),
  output: Outpoint,
  spentBy: Txid,
  block: BlockRef,
});
export type PenaltyOutspent = z.infer<typeof PenaltyOutspent>;

/** The block with the transaction that outspent the penalty left the best chain. */
export const OutspendReorgedOut = z.strictObject({
  type: z.literal('OutspendReorgedOut'),
  spentBy: Txid,
  block: BlockRef,
});
export type OutspendReorgedOut = z.infer<typeof OutspendReorgedOut>;

/** The transaction that outspent the penalty is buried: 100 blocks, its own included. The penalty is given up. */
export const OutspendIrrevocable = z.strictObject({
  type: z.literal('OutspendIrrevocable'),
  spentBy: Txid,
  height: Height,
});
export type OutspendIrrevocable = z.infer<typeof OutspendIrrevocable>;

export type TrackerEvent =
  | BreachSighted
  | BreachDetected
  | BreachReorgedOut
  | BlobRefused
  | PenaltyBroadcast
  | PenaltyRefused
  | PenaltyConfirmed
  | PenaltyReorgedOut
  | PenaltyIrrevocable
  | PenaltyOutspent
  | OutspendReorgedOut
  | OutspendIrrevocable;
