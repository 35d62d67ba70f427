import type { PlayedAccount, Version } from './accounts.js';
import type { BestChain } from './best-chain.js';
import type { AppointmentReceipt, Evidence } from './evidence.js';
import { groupBy } from './group-by.js';
import { type RawCommit, type RawEvent, tell } from './raw-log.js';
import { appointmentIdOf } from './signatures.js';

/** How many blocks back from a receipt's start a dispute is still answered for, that of the start included. */
const LOOK_BACK = 6;
const IRREVOCABLE = 100;

/** One appointment: its user's receipts for it, and what the log and the chain say. */
export interface Case {
  readonly receipts: readonly AppointmentReceipt[];
  readonly versions: readonly Version[];
  readonly tracker: readonly RawCommit[];
  readonly user: readonly RawCommit[];
}

/** What was found of all cases. */
export interface Protection {
  readonly violations: readonly string[];
  /** Disputes on the best chain that a receipt protects from. */
  readonly breached: number;
  readonly punished: number;
  /** The log says why there is no penalty, and the client knows that it sent none that is of use. */
  readonly refused: number;
  /** A version of no use took the place of a good one: an older request of the same user, delivered late. */
  readonly reverted: number;
  /** The dispute is deeper than the receipt promises. */
  readonly tooOld: number;
}

/** Whoever holds a receipt is protected: with a penalty on the best chain, or a reason in the log that holds. */
export function checkProtection(
  evidence: Evidence,
  accounts: ReadonlyMap<string, PlayedAccount>,
  trackers: ReadonlyMap<string, readonly RawCommit[]>,
  users: ReadonlyMap<string, readonly RawCommit[]>,
  best: BestChain,
): Protection {
  const found = { violations: [] as string[], breached: 0, punished: 0, refused: 0, reverted: 0, tooOld: 0 };
  const byId = groupBy(evidence.appointments, ({ locator, userId }) => appointmentIdOf(locator, userId));
  for (const [id, receipts] of byId) {
    const { userId = '', disputeTxid = '' } = receipts[0] ?? {};
    const versions = accounts.get(userId)?.appointments.get(id) ?? [];
    const one: Case = { receipts, versions, tracker: trackers.get(id) ?? [], user: users.get(userId) ?? [] };
    const violation = (what: string) => found.violations.push(describe(id, what, one, best));
    const height = best.heights.get(disputeTxid);
    for (const what of unjust(one, evidence, best)) violation(what);
    if (height === undefined) continue;
    const protecting = receipts.filter(({ startBlock }) => height > startBlock - LOOK_BACK);
    if (protecting.length === 0) {
      found.tooOld++;
      continue;
    }
    found.breached++;
    const outcome = judge(protecting, one, evidence, best);
    if (outcome === 'punished' || outcome === 'refused' || outcome === 'reverted') found[outcome]++;
    else violation(outcome);
  }
  return found;
}

/** Whether a breached appointment was done justice: `punished`, `refused`, `reverted`, or what is wrong. */
function judge(protecting: readonly AppointmentReceipt[], one: Case, { sent }: Evidence, best: BestChain): string {
  const events = eventsOf(one.tracker);
  const last = one.versions.at(-1);
  // Also of a version that was accepted and whose receipt was lost on the way.
  const blobs = [...one.receipts.map(({ sha256 }) => sha256), ...one.versions.map(blobOf)];
  const penalties = blobs.map((sha256) => sent.get(sha256)).filter((txid) => typeof txid === 'string');
  const mined = penalties.map((txid) => best.heights.get(txid)).find((height) => height !== undefined);
  if (mined !== undefined) {
    if (best.hashes.length - mined < IRREVOCABLE) return `its penalty is only at ${mined}`;
    if (!events.some(({ type }) => type === 'PenaltyIrrevocable'))
      return 'its penalty is buried, and the log does not know';
    return last?.fate === 'resolved' ? 'punished' : `it is ${last?.fate} although its penalty is buried`;
  }
  if (isOutspent(one, best)) return 'refused';
  const isOfUse = (version: Version | undefined) => version && typeof sent.get(blobOf(version)) === 'string';
  const promised = protecting.some(({ sha256 }) => typeof sent.get(sha256) === 'string');
  if (promised && isOfUse(last)) return 'there is no penalty on the best chain';
  const reason = events.some(
    ({ type, final }) => type === 'BlobRefused' || (type === 'PenaltyRefused' && final === true),
  );
  if (!reason) return 'there is no penalty on the best chain, and no reason in the log';
  if (last?.fate === 'rejected') return promised ? 'reverted' : 'refused';
  return `it is ${last?.fate} although its blob was refused`;
}

/**
 * Whether another transaction took what the penalty needs, so deep in the best chain that it stays: an output of the
 * dispute or, where the dispute is not in that chain, one that it spends.
 */
function isOutspent({ tracker, receipts }: Case, { hashes, heights, spenders }: BestChain): boolean {
  const disputeTxid = receipts[0]?.disputeTxid ?? '';
  const events = eventsOf(tracker);
  return events.some(({ type, output, spentBy, penaltyTxid }) => {
    if (type !== 'PenaltyOutspent' || spentBy === disputeTxid || spentBy === penaltyTxid) return false;
    const { txid, vout } = output as { txid: string; vout: number };
    const height = heights.get(String(spentBy)) ?? Number.POSITIVE_INFINITY;
    const isNeeded = txid === disputeTxid || !heights.has(disputeTxid);
    const isBuried = hashes.length - height >= IRREVOCABLE;
    const isRecorded = events.some((event) => event.type === 'OutspendIrrevocable' && event.spentBy === spentBy);
    return isNeeded && isBuried && isRecorded && spenders.get(`${txid}:${vout}`) === spentBy;
  });
}

interface Blob {
  readonly sha256: string;
}

const blobOf = ({ event }: Version): string => (event.blob as Blob).sha256;

/** What the log must not say of an appointment, whatever happened to it. */
function unjust(one: Case, { sent }: Evidence, best: BestChain): string[] {
  const { versions, tracker, receipts } = one;
  const events = eventsOf(tracker);
  const disputeTxid = receipts[0]?.disputeTxid ?? '';
  const wrong: string[] = [];
  for (const version of versions) {
    const { fate } = version;
    const penalty = sent.get(blobOf(version));
    if (penalty === undefined) wrong.push('the log has a version that its user never sent');
    if (fate === 'expired') wrong.push('it expired, although no subscription ended');
    if (fate === 'rejected' && typeof penalty === 'string' && !isOutspent(one, best))
      wrong.push('it was rejected, although its penalty is of use');
    if (fate === 'resolved' && !events.some(({ type }) => type === 'PenaltyIrrevocable'))
      wrong.push('it was resolved without a buried penalty');
  }
  for (const event of events) {
    if (event.type === 'BreachDetected' && event.disputeTxid !== disputeTxid)
      wrong.push(`the log takes ${event.disputeTxid} for its dispute`);
    if (event.type === 'PenaltyIrrevocable' && !best.heights.has(String(event.penaltyTxid)))
      wrong.push(`the log calls ${event.penaltyTxid} irrevocable, and it is not on the best chain`);
  }
  return wrong;
}

const eventsOf = (commits: readonly RawCommit[]): RawEvent[] => commits.flatMap(({ events }) => events);

/** The violation, the receipts, and all that the log says of the appointment. */
function describe(id: string, what: string, { receipts, tracker, user }: Case, { heights }: BestChain): string {
  const { userId, disputeTxid = '' } = receipts[0] ?? {};
  const own = user.filter(({ events }) => events.some(({ appointmentId }) => appointmentId === id));
  return [
    `appointment ${id}: ${what}`,
    `  dispute ${disputeTxid} at height ${heights.get(disputeTxid) ?? 'none'}`,
    ...receipts.map((receipt) => `  receipt ${JSON.stringify(receipt)}`),
    `  user ${userId}`,
    tell(own),
    '  tracker',
    tell(tracker),
  ].join('\n');
}
