import { Txid } from '../../../events/ids.js';
import { block, connected, disconnected, height } from '../../fixtures/blocks.js';
import {
  blobRefused,
  breached,
  breachReorgedOut,
  outdated,
  penaltyConfirmed,
  penaltyIrrevocable,
  penaltyRefused,
  penaltyReorgedOut,
  sighted,
} from '../../fixtures/histories.js';
import { userId } from '../../fixtures/ids.js';
import { type Cases, detected, disputeTxid, ending, HOUR, judgeAll, of, sent } from '../../support/judged.js';

/** Takes the block at 1010 back, for one with more work. */
const branch = [disconnected(1010), connected(1010, 'b', { parent: 'a', chainwork: 1011 })] as const;

const trackers: Cases = {
  'a breach to its penalty, confirmed': [
    ({ tracker }) => {
      tracker(detected());
      tracker(sent);
      tracker(of(penaltyConfirmed(block(1002))));
    },
  ],
  'a penalty that is irrevocable too early': [
    ({ tracker }) => {
      tracker(detected());
      tracker(sent);
      tracker(of(penaltyConfirmed(block(1002))));
      tracker(of(penaltyIrrevocable(1010)));
    },
    /tracker: it is buried by 9 blocks, not by 100/,
  ],
  'a breach of another locator': [({ tracker }) => tracker(breached(block(1001))), /tracker: .*locator/],
  'a breach in a block that is not there': [
    ({ tracker }) => tracker({ ...detected(), block: block(1001, 'b') }),
    /block: block .* is not one of the chain/,
  ],
  'a breach at another height than its block': [
    ({ tracker }) => tracker({ ...detected(), block: { ...block(1001), height: height(1002) } }),
    /block: block .* is at height 1001, not 1002/,
  ],
  'the same breach twice': [
    ({ tracker }) => {
      tracker(detected());
      tracker(detected());
    },
    /tracker: its dispute is known to be in that block/,
  ],
  'a sighting of a breach that is known': [
    ({ tracker }) => {
      tracker(detected());
      tracker({ ...sighted(1001), disputeTxid });
    },
    /tracker: its breach is known already/,
  ],
  'a reorg that never was': [
    ({ tracker }) => {
      tracker(detected());
      tracker({ ...breachReorgedOut(block(1001)), disputeTxid });
    },
    /reorg: block .* never left the best chain/,
  ],
  'a penalty without a breach': [({ tracker }) => tracker(sent), /tracker: PenaltyBroadcast without a breach/],
  'a penalty that is another transaction': [
    ({ tracker }) => {
      tracker(detected());
      tracker({ ...sent, penaltyTxid: disputeTxid });
    },
    /tracker: .*another txid than the penalty/,
  ],
  'a confirmation of what was never sent': [
    ({ tracker }) => {
      tracker(detected());
      tracker(of(penaltyConfirmed(block(1002))));
    },
    /tracker: PenaltyConfirmed does not follow where a breach is breached/,
  ],
  'a confirmation of another penalty': [
    ({ tracker }) => {
      tracker(detected());
      tracker(sent);
      tracker(penaltyConfirmed(block(1002)));
    },
    /tracker: the penalty is another one/,
  ],
  'a penalty reorged out that was never confirmed': [
    ({ tracker }) => {
      tracker(detected());
      tracker(sent);
      tracker(of(penaltyReorgedOut(block(1002))));
    },
    /tracker: PenaltyReorgedOut does not follow/,
  ],
  'what is given up that may become valid': [
    ({ tracker }) => {
      tracker(detected());
      tracker(of(penaltyRefused('policy', { final: true })));
    },
    /tracker: only what the rules of consensus forbid/,
  ],
  'a blob that is not the appointment’s': [
    ({ tracker }) => {
      tracker(detected(), HOUR);
      tracker(blobRefused(7));
    },
    /tracker: blob 7 is not the one/,
  ],
  'an appointment that is taken for ended': [
    ({ tracker }) => {
      tracker(detected(), HOUR);
      tracker(blobRefused(1, 'appointment-ended'));
    },
    /tracker: the appointment has not ended/,
  ],
  'two events in one commit': [({ tracker }) => tracker([detected(), sent]), /commit: no one decision/],
  'a reorg of a dispute that was elsewhere': [
    ({ tracker, chain }) => {
      tracker(detected());
      chain(...branch);
      tracker({ ...breachReorgedOut(block(1010)), disputeTxid });
    },
    /tracker: its dispute was not in that block/,
  ],
  'a dispute that is told with another transaction': [
    ({ tracker }) => {
      tracker(detected());
      tracker({ ...sent, disputeRawTx: sent.rawTx });
    },
    /tracker: the raw transaction of the dispute has another txid/,
  ],
  'a penalty that is sent twice': [
    ({ tracker }) => {
      tracker(detected());
      tracker(sent);
      tracker(sent);
    },
    /tracker: it had been sent already/,
  ],
  'a penalty reorged out of another block': [
    ({ tracker, chain }) => {
      tracker(detected());
      tracker(sent);
      tracker(of(penaltyConfirmed(block(1009))));
      chain(...branch);
      tracker(of(penaltyReorgedOut(block(1010))));
    },
    /tracker: the penalty was not in that block/,
  ],
  'a breach of another’s appointment': [
    ({ tracker }) => tracker(detected({ userId: userId('bob') })),
    /tracker: the appointment is not that of this user/,
  ],
  'a breach of what ended long ago': [
    ({ user, tracker }) => {
      user([ending('expired'), outdated(2000)]);
      tracker(detected(), HOUR);
    },
    /tracker: there is no such appointment/,
  ],
  'another dispute': [
    ({ tracker }) => {
      tracker(detected());
      tracker(detected({ disputeTxid: Txid.parse(disputeTxid.replace(/^../, 'ff')), block: block(1002) }));
    },
    /tracker: its dispute was another one/,
  ],
  'a blob that is refused twice': [
    ({ tracker }) => {
      tracker(detected());
      tracker(blobRefused(1));
      tracker(blobRefused(1));
    },
    /tracker: that blob had been refused already/,
  ],
  'what was given up and is given up again': [
    ({ tracker }) => {
      tracker(detected());
      tracker(of(penaltyRefused('invalid', { final: true })));
      tracker(of(penaltyRefused('invalid', { final: true })));
    },
    /tracker: it was given up already/,
  ],
  'the same verdict twice': [
    ({ tracker }) => {
      tracker(detected());
      tracker(of(penaltyRefused('policy')));
      tracker(of(penaltyRefused('policy')));
    },
    /tracker: the verdict was the same before/,
  ],
  'inputs that are missing before the dispute is mined': [
    ({ tracker }) => {
      tracker({ ...sighted(1001), disputeTxid });
      tracker(of(penaltyRefused('inputs-missing-or-spent')));
    },
    /tracker: that inputs are missing says nothing/,
  ],
};

judgeAll('a breach', trackers);
