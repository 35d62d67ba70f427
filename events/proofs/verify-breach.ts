import type { Transaction } from 'bitcoinjs-lib';
import { fromHex, reversed, sha256, toHex } from '../bytes.js';
import type { BlockHash, TowerId, Txid } from '../ids.js';
import { openPenalty } from '../schemes/penalty.js';
import { schemeOf } from '../schemes/schemes.js';
import { serializeAppointment } from '../signing/appointment.js';
import { signerIs } from '../signing/message.js';
import { appointmentReceipt, registrationReceipt } from '../signing/receipts.js';
import { acceptedBy, wrongWith } from './appointment-proof.js';
import { parseHeader, workOf, wrongWithHeaders } from './headers.js';
import type { MissedBreach, Promised } from './missed-breach.js';
import { createsMoney, type Spent, spentOf, type Taking, takingOf, txidOf, unlockedAt } from './penalty-inputs.js';
import { heightOfCoinbase, readInclusion, readTransaction } from './tx-inclusion.js';

/** Verifies evidence of a missed breach with nothing but the file and the tower's id. Pure; `docs/audit.md` says what follows. */

/** What a file shows. */
export interface Breach {
  readonly disputeTxid: Txid;
  readonly disputeHeight: number;
  readonly disputeBlock: BlockHash;
  readonly penaltyTxid: Txid;
  readonly dispute: Transaction;
  readonly penalty: Transaction;
  /** The outputs of the dispute that the penalty was to take. */
  readonly spent: readonly Spent[];
  /** Inputs of the penalty whose scripts are for a bitcoind to run. */
  readonly unchecked: readonly number[];
  /** The block's own confirmation included. */
  readonly confirmations: number;
  /** The exponent of 2 of the hashes that the headers took. */
  readonly work: number;
  /** What took one of the outputs instead, for good as long as these blocks stay. */
  readonly spend: { readonly txid: Txid; readonly height: number; readonly taking: Taking } | undefined;
}

export type Verified = { readonly ok: true; readonly breach: Breach } | { readonly ok: false; readonly why: string };

const no = (why: string): Verified => ({ ok: false, why });

/** What is wrong with what a client says that a tower promised; undefined if nothing is. */
export function wrongWithPromise(promised: Promised, towerId: TowerId): string | undefined {
  const { userId, dialect, appointment, receipt, proof, subscription } = promised;
  const { locator, encryptedBlob, toSelfDelay } = appointment;
  const message = serializeAppointment({ locator, encryptedBlob: fromHex(encryptedBlob), toSelfDelay });
  if (!signerIs(message, receipt.userSignature, userId)) return 'the appointment is not what its user signed';
  if (!signerIs(appointmentReceipt(dialect, receipt), receipt.signature, towerId))
    return `the receipt is not signed by tower ${towerId}`;
  if (subscription) {
    const { signature, ...terms } = subscription;
    if (!signerIs(registrationReceipt(dialect, { userId, ...terms }), signature, towerId))
      return `the receipt of the subscription is not signed by tower ${towerId}`;
    if (receipt.startBlock < subscription.start && dialect === 'rust' && !proof)
      return 'the subscription began after the appointment';
  }
  if (!proof) return undefined;
  const evidence = { receipt: { locator, ...receipt }, proof };
  const wrong = wrongWith(evidence, towerId);
  if (wrong !== undefined) return wrong;
  const accepted = acceptedBy(proof.commit, evidence.receipt);
  const isSame =
    accepted?.userId === userId &&
    accepted.event.blob.sha256 === toHex(sha256(fromHex(encryptedBlob))) &&
    accepted.event.toSelfDelay === toSelfDelay;
  return isSame ? undefined : "the log has another user's appointment, or another blob";
}

/** Verifies all that can be verified without a chain. Never throws. */
export function verifyBreach(file: MissedBreach, towerId: TowerId): Verified {
  const wrong = wrongWithPromise(file, towerId) ?? wrongWithHeaders(file.headers, file.network);
  if (wrong !== undefined) return no(wrong);
  const dispute = readTransaction(file.dispute.rawTx);
  if (!dispute) return no('the dispute is no transaction');
  const disputeTxid = txidOf(dispute) as Txid;
  const { locator, encryptedBlob } = file.appointment;
  const scheme = schemeOf(file.dialect);
  const txidInternal = reversed(fromHex(disputeTxid));
  if (toHex(scheme.hint(txidInternal)) !== locator) return no('the dispute is not the one that the locator names');
  const found = blockOf(file.dispute.inclusion, disputeTxid, file.headers);
  if (found !== 0) return no('the dispute is not in the block of the first header');
  const height = heightOf(file);
  if (height === undefined) return no('the block does not say at which height it is, or not with this coinbase');
  if (height < file.receipt.startBlock)
    return no(`the dispute was mined at ${height}, before the tower promised to watch from ${file.receipt.startBlock}`);
  if (file.subscription && height >= file.subscription.expiry)
    return no(`the dispute was mined at ${height}, when the subscription had expired at ${file.subscription.expiry}`);
  const opened = openPenalty(scheme, fromHex(encryptedBlob), txidInternal);
  const penalty = opened && readTransaction(opened.rawTx);
  if (!penalty) return no('the blob does not open to a transaction with the txid of the dispute');
  const spent = spentOf(penalty, dispute);
  if (spent.length === 0) return no('the penalty takes no output of the dispute');
  if (createsMoney(penalty, spent, dispute)) return no('the penalty pays out more than it takes');
  const free = unlockedAt(penalty, height) ?? Number.POSITIVE_INFINITY;
  if (free > height + file.appointment.toSelfDelay) return no('the penalty is locked for longer than the delay');
  const takings = spent.map((one) => ({ ...one, taking: takingOf(penalty, one, dispute) }));
  const bad = takings.find(({ taking }) => taking === 'not validly');
  if (bad) return no(`the penalty does not sign for output ${bad.vout} of the dispute`);
  const spend = spendOf(file, height, { dispute, penalty, spent });
  if (typeof spend === 'string') return no(spend);
  const signed = new Set(takings.filter(({ taking }) => taking !== 'unknown').map(({ input }) => input));
  return {
    ok: true,
    breach: {
      disputeTxid,
      disputeHeight: height,
      disputeBlock: parseHeader(fromHex(file.headers[0] ?? '')).hash,
      penaltyTxid: txidOf(penalty) as Txid,
      dispute,
      penalty,
      spent,
      unchecked: penalty.ins.flatMap((_, input) => (signed.has(input) ? [] : [input])),
      confirmations: file.headers.length,
      work: workOf(file.headers),
      spend,
    },
  };
}

/** Which of the headers is the one of the block that a proof shows a transaction in; undefined if none. */
function blockOf(proof: string, txid: string, headers: readonly string[]): number | undefined {
  const inclusion = readInclusion(fromHex(proof));
  if (!inclusion || !Array.from(inclusion.txids.values()).some((found) => found === txid)) return undefined;
  const at = headers.findIndex((hex) => parseHeader(fromHex(hex)).hash === inclusion.header.hash);
  return at < 0 ? undefined : at;
}

/** The height of the dispute's block, as its coinbase has it. */
function heightOf({ dispute: { inclusion, coinbase } }: MissedBreach): number | undefined {
  const transaction = readTransaction(coinbase);
  const first = readInclusion(fromHex(inclusion))?.txids.get(0);
  return transaction && first === txidOf(transaction) ? heightOfCoinbase(transaction) : undefined;
}

type Parts = Pick<Breach, 'dispute' | 'penalty' | 'spent'>;

/** What took an output instead of the penalty, or what is wrong with what is said to have. */
function spendOf({ spend, headers }: MissedBreach, from: number, parts: Parts): Breach['spend'] | string {
  if (!spend) return undefined;
  const transaction = readTransaction(spend.rawTx);
  if (!transaction) return 'what took the output is no transaction';
  const txid = txidOf(transaction) as Txid;
  if (txid === txidOf(parts.penalty)) return 'what took the output is the penalty itself';
  const wanted = new Set(parts.spent.map(({ vout }) => vout));
  const takings = spentOf(transaction, parts.dispute)
    .filter(({ vout }) => wanted.has(vout))
    .map((one) => takingOf(transaction, one, parts.dispute));
  if (takings.length === 0) return `${txid} takes nothing that the penalty was to take`;
  if (takings.includes('not validly')) return `${txid} does not sign for what it takes`;
  if (takings.includes('with the revocation key'))
    return `${txid} is a penalty, too: it was taken with the revocation key`;
  if (takings.includes('with a key')) return `${txid} is of whom the output belongs to, who is no cheater`;
  const at = blockOf(spend.inclusion, txid, headers);
  if (at === undefined) return `${txid} is in none of the blocks of these headers`;
  const taking = takings.includes('after the delay') ? 'after the delay' : (takings[0] ?? 'unknown');
  return { txid, height: from + at, taking };
}
