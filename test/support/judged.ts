import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChainRecord } from '../../actors/auditor/chain-record.js';
import { PolicyRecord } from '../../actors/auditor/policy-record.js';
import { type Aggregate, aggregateSubject } from '../../events/aggregate.js';
import { reversed, toHex } from '../../events/bytes.js';
import type { ChainEvent } from '../../events/chain.js';
import { type Commit, encodeCommit, newCommit } from '../../events/commit.js';
import { type Shard, TowerId, Txid, type UserId } from '../../events/ids.js';
import type { PolicyEvent } from '../../events/policy.js';
import type { ScanEvent } from '../../events/scan.js';
import { appointmentId } from '../../events/signing/appointment.js';
import type { TrackerEvent } from '../../events/tracker.js';
import type { AppointmentAccepted, UserEvent } from '../../events/user.js';
import { block, chainCommit, connectedUpTo } from '../fixtures/blocks.js';
import { accepted, breached, ended, penaltyBroadcast, registered } from '../fixtures/histories.js';
import { locator, userId } from '../fixtures/ids.js';
import { encryption } from '../fixtures/teos-vectors.js';
import { rulesOf } from './rules.js';

/** Histories of one user and one appointment, as an auditor's rules judge them. */

export const alice = userId('alice');
export const towerId = TowerId.parse(`02${'11'.repeat(32)}`);
/** The locator of alice's appointment, and its id. */
export const [at, id] = [locator('channel'), appointmentId(locator('channel'), alice)];
export const HOUR = 3_600_000;

/** On a chain from height 998 to 1010, with what is `before` its first block. Each commit is a minute after the one before, or after so many ms. */
export function judged(...before: ChainEvent[]) {
  const complaints: string[] = [];
  const checked: string[] = [];
  const complain = (what: string, why: string) => void complaints.push(`${what}: ${why}`);
  const chain = new ChainRecord(towerId);
  chain.apply(chainCommit(1, ...before, ...connectedUpTo(998, 1010)), 0, 0, complain);
  const message = (bytes: Uint8Array, signature: string, signer: string, { of }: { of: string }) =>
    void checked.push(`${of} ${toHex(bytes)} ${signature} ${signer}`);
  const signatures = { message, acceptance: () => {}, acceptanceBy: () => {} };
  const policy = new PolicyRecord();
  const acceptances = new Map<number, AppointmentAccepted>();
  const { users, breaches, scans } = rulesOf(towerId, chain, {
    policy,
    signatures,
    compare: ({ earlier, isWrong, what, why }) => {
      if (isWrong(acceptances.get(earlier) ?? assert.fail(`nothing was accepted at ${earlier}`))) complain(what, why);
    },
  });
  let [position, time] = [0, 0];
  const place = (after: number) => {
    time += after;
    return { position: ++position, time, chain, complain };
  };
  return {
    /** What the auditor said. */
    complaints,
    /** The signatures that it wants to be checked: `<of what> <message> <signature> <signer>`. */
    checked,
    chain: (...events: ChainEvent[]) => chain.apply(chainCommit(2, ...events), time, 0, complain),
    user: (event: UserEvent | readonly UserEvent[], after = 60_000, who = alice) => {
      const events = [event].flat();
      for (const one of events) if (one.type === 'AppointmentAccepted') acceptances.set(position + 1, one);
      users.apply(who, events, place(after));
    },
    /** The same of another user. */
    newUser: (user: UserId, event: UserEvent, after = 60_000) => users.apply(user, [event], place(after)),
    tracker: (event: TrackerEvent | readonly TrackerEvent[], after = 60_000) =>
      breaches.apply(id, [event].flat(), place(after)),
    /** A commit of an invite, or of the list, on its subject or on another one. */
    policy: (aggregate: Aggregate, event: PolicyEvent | readonly PolicyEvent[], after = 60_000, on = aggregate) => {
      const { position, time } = place(after);
      const commit = newCommit(aggregate, [event].flat(), 'one', time) as Omit<Commit, 'position'>;
      const [stream, subject] = ['POLICY', aggregateSubject(on, 0 as Shard)];
      policy.apply({ stream, position, subject, time, data: encodeCommit(commit) }, chain, complain);
    },
    scan: (event: ScanEvent | readonly ScanEvent[], after = 60_000) => scans.apply([event].flat(), place(after)),
  };
}

export type Judged = ReturnType<typeof judged>;

const { rust } = encryption;
/** A dispute that alice's locator is of. */
export const disputeTxid = Txid.parse(toHex(reversed(Buffer.from(at + '00'.repeat(16), 'hex'))));
export const adding = (about: Parameters<typeof accepted>[1] = {}) =>
  accepted('channel', { appointmentId: id, locator: at, ...about });
export const ending = (...about: [reason: 'resolved' | 'expired' | 'rejected', slots?: number]) => ({
  ...ended('channel', ...about),
  appointmentId: id,
});
export const detected = (about: Parameters<typeof breached>[1] = {}) =>
  breached(block(1001), { disputeTxid, ...about });
export const sent = {
  ...penaltyBroadcast(1001),
  rawTx: rust.penalty,
  penaltyTxid: Txid.parse(rust.penaltyTxid),
  disputeRawTx: null,
};
export const of = <E extends { readonly penaltyTxid: Txid }>(event: E): E => ({
  ...event,
  penaltyTxid: sent.penaltyTxid,
});

/** Of a user with an appointment, which nothing is wrong with, what is said of what comes then. */
function says(act: (one: Judged) => void, expected: RegExp | undefined): void {
  const one = judged();
  one.user(registered());
  one.user(adding());
  assert.deepEqual(one.complaints, []);
  act(one);
  if (!expected) assert.deepEqual(one.complaints, []);
  else assert.match(one.complaints.join(), expected);
}

/** What comes, and what is said of it; nothing is wrong where there is nothing. */
export type Cases = Readonly<Record<string, readonly [(one: Judged) => void, RegExp?]>>;

/** A test for each. */
export function judgeAll(what: string, cases: Cases): void {
  describe(`an auditor's rules about ${what}`, () => {
    for (const [name, [act, expected]] of Object.entries(cases))
      test(expected ? `find fault with ${name}` : `let pass ${name}`, () => says(act, expected));
  });
}
