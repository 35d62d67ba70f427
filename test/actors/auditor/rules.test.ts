import { markOf, receiptMarkOf } from '../../../actors/auditor/user-record.js';
import { appointmentId } from '../../../events/signing/appointment.js';
import { block, connected, disconnected, height } from '../../fixtures/blocks.js';
import { scanned } from '../../fixtures/commits.js';
import { accepted, blob, deleted, ended, outdated, registered, renewed, swept } from '../../fixtures/histories.js';
import { locator, userId } from '../../fixtures/ids.js';
import { adding, alice, type Cases, detected, ending, HOUR, judgeAll } from '../../support/judged.js';

const bob = userId('bob');

/** Two spellings of a signature that have one mark, as whoever wants them finds them: 2^16 tries. */
function alike(mark: (signature: string) => number): readonly [string, string] {
  const seen = new Map<number, string>();
  for (let n = 0; ; n++) {
    let bits = n;
    const spelling = adding().userSignature.replace(/[a-z]/g, (letter) => {
      const isCapital = bits & 1;
      bits >>>= 1;
      return isCapital ? letter.toUpperCase() : letter;
    });
    const before = seen.get(mark(spelling));
    if (before !== undefined && before !== spelling) return [before, spelling];
    seen.set(mark(spelling), spelling);
  }
}

const users: Cases = {
  'a renewal': [({ user }) => user(renewed({ slots: 199, expiry: height(3000) }))],
  'a second registration': [({ user }) => user(registered()), /register: the user is registered already/],
  'a renewal of another generation': [
    ({ user }) => user(renewed({ slots: 199, expiry: height(3000), dialect: 'python' })),
    /register: .*rust generation/,
  ],
  'a renewal with other slots': [
    ({ user }) => user(renewed({ slots: 200, expiry: height(3000) })),
    /slots: 99 slots and 100/,
  ],
  'a renewal that begins elsewhere': [
    ({ user }) => user(renewed({ slots: 199, expiry: height(3000), start: height(1001) })),
    /register: .*began at height 1000, not 1001/,
  ],
  'a renewal that ends no later': [({ user }) => user(renewed({ slots: 199 })), /expiry: it expires no later/],
  'a newer version': [({ user }) => user(adding({ blob: blob(2) }))],
  'the very same version': [({ user }) => user(adding()), /accept: the very same version/],
  // As the tower compares them: by their texts, which its log has.
  'the same version with a letter of its signature in capitals': [
    ({ user }) =>
      user(
        adding({ userSignature: adding().userSignature.replace(/[a-z](?=[^a-z]*$)/, (last) => last.toUpperCase()) }),
      ),
  ],
  'the same version with another signature that is remembered by the same mark': [
    ({ user }) => {
      const [one, other] = alike((userSignature) => markOf(userSignature, adding().toSelfDelay));
      user(adding({ userSignature: one }));
      user(adding({ userSignature: other }));
    },
  ],
  'a deletion of a version whose receipt is remembered by the same mark': [
    ({ user }) => {
      const [receiptSignature, receipt] = alike(receiptMarkOf);
      user(adding({ receiptSignature, blob: blob(2) }));
      user({ ...deleted('channel', { receipt }), appointmentId: adding().appointmentId });
    },
    /delete: .*another version/,
  ],
  'many that end in a commit of their own while the subscription lasts': [
    ({ user }) => {
      user(renewed({ slotsAdded: 2_000, slots: 2_099, expiry: height(3000) }));
      const many = Array.from({ length: 1_000 }, (_, n) =>
        accepted(`${n}`, { slotsLeft: 2_098 - n, appointmentId: appointmentId(locator(`${n}`), alice) }),
      );
      for (const one of many) user(one, 1);
      user(many.map((one, n) => ({ ...ended(`${n}`, 'expired'), appointmentId: one.appointmentId })));
    },
    /^expiry: the subscription expires at height 3000$/,
  ],
  'an appointment at a height that the chain has not': [
    ({ user }) => user(adding({ blob: blob(2), startBlock: height(1011) })),
    /height: .*no block at height 1011/,
  ],
  'an appointment of the other scheme': [
    ({ user }) => user(adding({ blob: blob(2), scheme: 'teos-display' })),
    /accept: .*no appointments of teos-display/,
  ],
  'slots that the blob is not worth': [
    ({ user }) => user(adding({ blob: blob(2), slots: 2 })),
    /slots: 100 bytes are 1 slots, not 2/,
  ],
  'slots left that were not there': [
    ({ user }) => user(adding({ blob: blob(2), slotsLeft: 98 })),
    /slots: of 99 slots 99 are left, not 98/,
  ],
  'a blob that had been swept': [
    ({ user }) => {
      user(swept(5));
      user(adding({ blob: blob(4) }));
    },
    /accept: its blob had been swept/,
  ],
  'a sweep that goes back': [
    ({ user }) => {
      user(swept(5));
      user(swept(5));
    },
    /sweep: .*swept before/,
  ],
  'a resolved one without a penalty': [({ user }) => user(ending('resolved')), /end: no penalty of it is irrevocable/],
  'a rejected one without a refusal': [({ user }) => user(ending('rejected')), /end: neither its blob nor its penalty/],
  'an expired one alone': [({ user }) => user(ending('expired')), /commit: no one decision/],
  'an end that gives back too much': [({ user }) => user(ending('resolved', 2)), /slots: 2 slots are given back, of 1/],
  'an end before its time': [
    ({ user }) => user([ending('expired'), outdated(1010)]),
    /expiry: .*at height 2000, not at 1010/,
  ],
  'two decisions in one commit': [({ user }) => user([swept(3), swept(4)]), /commit: no one decision/],
  'an update long after the breach': [
    ({ user, tracker }) => {
      tracker(detected());
      user(adding({ blob: blob(2) }), HOUR);
    },
    /accept: its breach was being answered already/,
  ],
  'an end long after the breach': [
    ({ user, tracker }) => {
      tracker(detected());
      user([ending('expired'), outdated(1010)], HOUR);
    },
    /end: its breach was being answered/,
  ],
  'an appointment that is left behind without a breach': [
    ({ user }) => user(outdated(1010)),
    /outdate: appointment .* is left, and has no breach/,
  ],
  'a new user with slots from nowhere': [
    ({ user }) => {
      user([ending('expired'), outdated(1010)]);
      user(registered({ slotsAdded: 99 }));
    },
    /slots: a new user has 100 slots, of 99/,
  ],
  'a subscription that is over when it begins': [
    ({ user }) => {
      user([ending('expired'), outdated(1010)]);
      user(registered({ expiry: height(1000) }));
    },
    /expiry: a subscription expires when it begins/,
  ],
  'a renewal after the end': [
    ({ user }) => {
      user([ending('expired'), outdated(1010)]);
      user(renewed({ slots: 199, expiry: height(3000) }));
    },
    /register: the user is not registered/,
  ],
  'an appointment after the end': [
    ({ user }) => {
      user([ending('expired'), outdated(1010)]);
      user(adding({ blob: blob(2) }));
    },
    /accept: the user is not registered/,
  ],
  'an end after the end': [
    ({ user }) => {
      user([ending('expired'), outdated(1010)]);
      user(outdated(1010));
    },
    /outdate: the user is not registered/,
  ],
  'an appointment when the subscription is over': [
    ({ user }) => {
      user(renewed({ slots: 199, expiry: height(1001), start: height(1000) }));
      user(adding({ blob: blob(2), slotsLeft: 199, startBlock: height(1001) }));
    },
    /the subscription expired at height 1001/,
  ],
  'an appointment of another user': [
    ({ user }) => {
      user(registered(), 60_000, bob);
      user(adding({ blob: blob(2) }), 60_000, bob);
    },
    /accept: the appointment is that of another user/,
  ],
  'an end of another user’s appointment': [
    ({ user }) => {
      user(registered(), 60_000, bob);
      user(ending('resolved'), 60_000, bob);
    },
    /end: the user has no such appointment/,
  ],
  'a sweep of somebody who never came': [
    ({ user }) => user(swept(3), 60_000, bob),
    /sweep: blobs are swept of a user that never registered/,
  ],
  'an end while a block is missing': [
    ({ user, scan }) => {
      scan({ type: 'BlockUnread', ...block(1005) });
      user([ending('expired'), outdated(1010)], HOUR);
    },
    /outdate: block .* is not evaluated yet/,
  ],
};

const chains: Cases = {
  'the next block, and a branch with more work': [
    ({ chain }) =>
      chain(
        disconnected(1010),
        connected(1010, 'b', { parent: 'a', chainwork: 1010 }),
        connected(1011, 'b', { chainwork: 1011 }),
      ),
  ],
  'a block that stands on another': [({ chain }) => chain(connected(1011, 'b')), /chain: .*does not stand on the tip/],
  'a block twice': [({ chain }) => chain(connected(1010)), /chain: block .* is connected twice/],
  'a block that is told otherwise': [
    ({ chain }) => chain(disconnected(1010), connected(1010, 'a', { chainwork: 2000 })),
    /chain: block .* is told otherwise/,
  ],
  'a block without work': [({ chain }) => chain(connected(1011, 'a', { chainwork: 1010 })), /chain: .*no more work/],
  'a block that is taken back from below': [({ chain }) => chain(disconnected(1009)), /chain: .*is not the tip/],
  'a branch with less work': [({ chain }) => chain(disconnected(1010)), /reorg: .*no more work than they had/],
};

const scans: Cases = {
  'block after block': [
    ({ scan }) => {
      scan(scanned(1001, 'a', 1));
      scan(scanned(1002, 'a', 1));
    },
  ],
  'a block twice': [
    ({ scan }) => {
      scan(scanned(1001, 'a', 1));
      scan(scanned(1001, 'a', 1));
    },
    /scan: .*called evaluated again: it was at/,
  ],
  'a block long after a later one': [
    ({ scan }) => {
      scan(scanned(1002, 'a', 2));
      scan(scanned(1001, 'a', 1), HOUR);
    },
    /scan: .*called evaluated after a later one was/,
  ],
  'a block that is not connected there': [
    ({ scan }) => scan(scanned(1001, 'a', 9)),
    /scan: message 9 of CHAIN does not connect/,
  ],
  'a block of no chain': [({ scan }) => scan(scanned(1001, 'b', 1)), /block: .*not one of the chain/],
  'a block that is called unread twice': [
    ({ scan }) => {
      scan({ type: 'BlockUnread', ...block(1001) });
      scan({ type: 'BlockUnread', ...block(1001) });
    },
    /scan: block .* is called unread again/,
  ],
  'two blocks in one commit': [
    ({ scan }) => scan([scanned(1001, 'a', 1), scanned(1002, 'a', 1)]),
    /scan: .*together with others/,
  ],
};

judgeAll('a user', users);
judgeAll('the chain', chains);
judgeAll('a scan', scans);
