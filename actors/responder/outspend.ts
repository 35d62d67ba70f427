import { Block, Transaction } from 'bitcoinjs-lib';
import { fromHex, reversed, toHex } from '../../events/bytes.js';
import type { BlockRef } from '../../events/chain.js';
import type { Decision } from '../../events/decider.js';
import type { Height, Txid } from '../../events/ids.js';
import type { Outpoint, TrackerEvent } from '../../events/tracker.js';
import type { Outspend, Tracker, TrackerState } from '../../projections/tracker.js';
import { IRREVOCABLE, isBuried } from './burial.js';

/**
 * A penalty whose inputs are missing: not there yet, or spent by another transaction? Only the chain tells. Pure.
 *
 * An input that is not there yet is waited for, for ever. One that is spent makes the penalty void, for as long as the
 * spending transaction stays in the best chain; once that is buried, the penalty is given up.
 */

/** The outputs that a raw transaction spends. */
export const inputsOf = (rawTx: string): Outpoint[] =>
  Transaction.fromHex(rawTx).ins.map(({ hash, index }) => ({ txid: toHex(reversed(hash)) as Txid, vout: index }));

/** Whether a transaction spends an output that the other does not have: their txids fix that for ever. */
export function spendsNoOutputOf(rawTx: string, { txid, rawTx: parent }: { txid: Txid; rawTx: string }): boolean {
  const outputs = Transaction.fromHex(parent).outs.length;
  return inputsOf(rawTx).some((input) => input.txid === txid && input.vout >= outputs);
}

/**
 * What the penalty needs unspent: the outputs that it spends and, while the dispute is in no block, those that the
 * dispute spends.
 */
export function neededBy(
  penalty: { readonly rawTx: string; readonly disputeRawTx: string | null },
  { disputeBlock }: Pick<Tracker, 'disputeBlock'>,
): Outpoint[] {
  const dispute = disputeBlock || !penalty.disputeRawTx ? [] : inputsOf(penalty.disputeRawTx);
  return [...inputsOf(penalty.rawTx), ...dispute];
}

/** The height from which on the blocks may hold what spent it; the fork that took the dispute out may be a deep one. */
export const searchSpendFrom = ({ disputeBlock, lostBlock }: Tracker, tip: BlockRef): Height =>
  disputeBlock?.height ?? (Math.max(0, (lostBlock ?? tip).height - IRREVOCABLE) as Height);

/**
 * The first transaction of a raw block that spends one of the outputs, and which one; the dispute itself is none. Looks
 * for the bytes before it parses, since blocks are large.
 */
export function findSpend(
  rawBlock: string,
  outputs: readonly Outpoint[],
  disputeTxid: Txid,
): Omit<Outspend, 'block'> | undefined {
  if (!outputs.some((output) => rawBlock.includes(bytesOf(output)))) return undefined;
  const spends = (Block.fromHex(rawBlock).transactions ?? []).flatMap((tx) => {
    const inputs = tx.ins.map(({ hash, index }) => ({ txid: toHex(reversed(hash)), vout: index }));
    const output = outputs.find(({ txid, vout }) => inputs.some((input) => input.txid === txid && input.vout === vout));
    return output ? [{ output, spentBy: tx.getId() as Txid }] : [];
  });
  return spends.find(({ spentBy }) => spentBy !== disputeTxid);
}

/** An output as the hex of an input that spends it: the txid in internal order, the index in four bytes, little-endian. */
function bytesOf({ txid, vout }: Outpoint): string {
  const index = Buffer.alloc(4);
  index.writeUInt32LE(vout);
  return toHex(reversed(fromHex(txid))) + toHex(index);
}

/** Records what outspent the penalty, if it is still tried. */
export function decideOutspent(
  found: { readonly penaltyTxid: Txid; readonly blob: number; readonly outspend: Outspend },
  state: TrackerState,
): Decision<void, TrackerEvent> {
  if (state.stage !== 'breached' && state.stage !== 'broadcast') return { outcome: undefined, events: [] };
  const { penaltyTxid, blob, outspend } = found;
  return { outcome: undefined, events: [{ type: 'PenaltyOutspent', penaltyTxid, blob, ...outspend }] };
}

/** The event that an outspend calls for at this tip; undefined while it is to be waited for. */
export function nextOfOutspent(
  { spentBy, block }: Outspend,
  { tip, isBest }: { readonly tip: BlockRef; readonly isBest: (block: BlockRef) => boolean },
): Extract<TrackerEvent, { type: 'OutspendReorgedOut' | 'OutspendIrrevocable' }> | undefined {
  if (!isBest(block)) return { type: 'OutspendReorgedOut', spentBy, block };
  if (!isBuried(block, tip)) return undefined;
  return { type: 'OutspendIrrevocable', spentBy, height: tip.height };
}
