import { block, connected, connectedUpTo, disconnected } from '../../fixtures/blocks.js';
import {
  blobRefused,
  outspendIrrevocable,
  outspendReorgedOut,
  penaltyConfirmed,
  penaltyIrrevocable,
  penaltyOutspent,
  penaltyRefused,
} from '../../fixtures/histories.js';
import { type Cases, detected, disputeTxid, HOUR, type Judged, judgeAll, of, sent } from '../../support/judged.js';

/** Its penalty was sent. */
function answered(tracker: Judged['tracker']): void {
  tracker(detected());
  tracker(sent);
}

/** It was sent, and is in the block at 1010. */
function confirmedAt1010(tracker: Judged['tracker']): void {
  answered(tracker);
  tracker(of(penaltyConfirmed(block(1010))));
}

/** It was sent, and what it needs was spent by another transaction, at 1010. */
function outspentAt1010({ tracker }: Judged): void {
  answered(tracker);
  tracker(of(penaltyOutspent(block(1010))));
}

/** A hundred blocks and more on top. */
const longer = connectedUpTo(1011, 1110);
/** Takes the block at 1010 back, for one with more work. */
const branch = [disconnected(1010), connected(1010, 'b', { parent: 'a', chainwork: 1011 })] as const;

const outspends: Cases = {
  'what outspent a penalty, and is buried': [
    (one) => {
      outspentAt1010(one);
      one.chain(...longer);
      one.tracker(outspendIrrevocable(1109));
    },
  ],
  'what outspent a penalty, and left the chain': [
    (one) => {
      outspentAt1010(one);
      one.chain(...branch);
      one.tracker(outspendReorgedOut(block(1010)));
      one.tracker(of(penaltyConfirmed(block(1009))));
    },
  ],
  'a penalty that outspends itself': [
    ({ tracker }) => {
      answered(tracker);
      tracker(of(penaltyOutspent(block(1010), { spentBy: sent.penaltyTxid })));
    },
    /tracker: neither the penalty nor its dispute outspends/,
  ],
  'a dispute that outspends its penalty': [
    ({ tracker }) => {
      tracker(detected());
      tracker(of(penaltyOutspent(block(1010), { spentBy: disputeTxid })));
    },
    /tracker: neither the penalty nor its dispute outspends/,
  ],
  'another penalty that was outspent': [
    ({ tracker }) => {
      answered(tracker);
      tracker(penaltyOutspent(block(1010)));
    },
    /tracker: the penalty is another one/,
  ],
  'what outspent a penalty in a block that is not there': [
    ({ tracker }) => {
      tracker(detected());
      tracker(of(penaltyOutspent(block(1010, 'b'))));
    },
    /block: .*not one of the chain/,
  ],
  'what is outspent and was given up': [
    ({ tracker }) => {
      tracker(detected());
      tracker(blobRefused(1));
      tracker(of(penaltyOutspent(block(1010))));
    },
    /tracker: PenaltyOutspent does not follow where a breach is blob-refused/,
  ],
  'what is outspent twice': [
    (one) => {
      outspentAt1010(one);
      one.tracker(of(penaltyOutspent(block(1010))));
    },
    /tracker: PenaltyOutspent does not follow where a breach is outspent/,
  ],
  'what outspent a penalty and is buried too little': [
    (one) => {
      outspentAt1010(one);
      one.chain(...longer);
      one.tracker(outspendIrrevocable(1108));
    },
    /tracker: it is buried by 99 blocks, not by 100/,
  ],
  'another transaction that is buried': [
    (one) => {
      outspentAt1010(one);
      one.chain(...longer);
      one.tracker({ ...outspendIrrevocable(1109), spentBy: disputeTxid });
    },
    /tracker: that is not what outspent the penalty/,
  ],
  'a burial of what was never outspent': [
    ({ tracker, chain }) => {
      tracker(detected());
      chain(...longer);
      tracker(outspendIrrevocable(1109));
    },
    /tracker: OutspendIrrevocable does not follow where a breach is breached/,
  ],
  'another transaction that left the chain': [
    (one) => {
      outspentAt1010(one);
      one.chain(...branch);
      one.tracker({ ...outspendReorgedOut(block(1010)), spentBy: disputeTxid });
    },
    /tracker: that is not what outspent the penalty/,
  ],
  'what never left the chain': [
    (one) => {
      outspentAt1010(one);
      one.tracker(outspendReorgedOut(block(1010)));
    },
    /reorg: .*never left the best chain/,
  ],
  'a reorg of what was never outspent': [
    ({ tracker, chain }) => {
      tracker(detected());
      chain(...branch);
      tracker(outspendReorgedOut(block(1010)));
    },
    /tracker: OutspendReorgedOut does not follow where a breach is breached/,
  ],
};

const ends: Cases = {
  'a penalty that is irrevocable': [
    ({ tracker, chain }) => {
      confirmedAt1010(tracker);
      chain(...longer);
      tracker(of(penaltyIrrevocable(1109)));
    },
  ],
  'what is irrevocable and never was confirmed': [
    ({ tracker, chain }) => {
      answered(tracker);
      chain(...longer);
      tracker(of(penaltyIrrevocable(1109)));
    },
    /tracker: PenaltyIrrevocable does not follow where a breach is broadcast/,
  ],
  'another penalty that is irrevocable': [
    ({ tracker, chain }) => {
      confirmedAt1010(tracker);
      chain(...longer);
      tracker(penaltyIrrevocable(1109));
    },
    /tracker: the penalty is another one/,
  ],
  'a breach that is irrevocably answered': [
    ({ tracker, chain }) => {
      confirmedAt1010(tracker);
      chain(...longer);
      tracker(of(penaltyIrrevocable(1109)));
      tracker(detected({ block: block(1002) }));
    },
    /tracker: its penalty is irrevocable already/,
  ],
  'a height that the chain has not': [
    ({ tracker }) => {
      confirmedAt1010(tracker);
      tracker(of(penaltyIrrevocable(1109)));
    },
    /height: .*no block at height 1109/,
  ],
  'what was given up, and is sent long after': [
    ({ tracker }) => {
      tracker(detected());
      tracker(of(penaltyRefused('invalid', { final: true })));
      tracker(sent, HOUR);
    },
    /tracker: it was given up, and no newer blob has come/,
  ],
  'a reorg of what was given up': [
    ({ tracker, chain }) => {
      tracker(detected({ block: block(1010) }));
      tracker(blobRefused(1));
      chain(...branch);
      tracker({ type: 'BreachReorgedOut', disputeTxid, block: block(1010) });
    },
    /tracker: nobody answers this breach any more/,
  ],
  'a blob that is refused when its penalty is out': [
    ({ tracker }) => {
      answered(tracker);
      tracker(blobRefused(1));
    },
    /tracker: BlobRefused does not follow where a breach is broadcast/,
  ],
  'what is taken for ended when its penalty is out': [
    ({ tracker }) => {
      answered(tracker);
      tracker(blobRefused(1, 'appointment-ended'));
    },
    /tracker: BlobRefused does not follow where a breach is broadcast/,
  ],
};

judgeAll('what outspends a penalty', outspends);
judgeAll('the end of a breach', ends);
