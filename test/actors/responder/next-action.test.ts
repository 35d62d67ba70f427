import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Action, type Facts, nextAction } from '../../../actors/responder/decisions.js';
import type { BlockRef } from '../../../events/chain.js';
import type { TrackerEvent } from '../../../events/tracker.js';
import { evolveTracker, noTracker } from '../../../projections/tracker.js';
import { block, height } from '../../fixtures/blocks.js';
import {
  blob,
  blobRefused,
  breached,
  breachReorgedOut,
  outspendIrrevocable,
  outspendReorgedOut,
  penaltyBroadcast,
  penaltyConfirmed,
  penaltyIrrevocable,
  penaltyOutspent,
  penaltyRefused,
  penaltyReorgedOut,
  sighted,
} from '../../fixtures/histories.js';

/** The dispute is in block 1000 and the tip at 1005; nothing was tried at it; the blob at position 1 is held. */
const plainly: Facts = {
  tip: block(1005),
  isBest: () => true,
  blob: blob(1),
  tried: false,
  searched: false,
  lastTry: undefined,
  traced: false,
};
const tried = { tried: true, searched: true };
const notBest =
  (...gone: BlockRef[]): Facts['isBest'] =>
  ({ hash }) =>
    !gone.some((block) => block.hash === hash);

const after =
  (...events: TrackerEvent[]) =>
  (facts: Partial<Facts> = {}): Action =>
    nextAction(events.reduce(evolveTracker, noTracker()), { ...plainly, ...facts });

const wait: Action = { kind: 'wait' };
const respond = (position: number): Action => ({ kind: 'respond', blob: blob(position) });

describe('what the Responder does next', () => {
  test('without a breach, nothing', () => {
    assert.deepEqual(after()(), wait);
  });

  describe('about a breach that was detected', () => {
    test('it opens the blob and sends what is in it, once at each tip', () => {
      const next = after(breached());
      assert.deepEqual(next(), respond(1));
      assert.deepEqual(next({ tried: true }), wait);
    });

    test('it sends again what was refused, as long as the refusal is not final', () => {
      const next = after(breached(), penaltyRefused('policy'));
      assert.deepEqual(next(), respond(1));
      assert.deepEqual(next({ tried: true }), wait);
    });

    test('it records that there is nothing to send once the appointment is over', () => {
      const event = { type: 'BlobRefused', blob: 0, reason: 'appointment-ended' } as const;
      assert.deepEqual(after(breached())({ blob: undefined }), { kind: 'record', event });
    });
  });

  describe('about a penalty that was broadcast', () => {
    const next = after(breached(), penaltyBroadcast());

    test("it first looks for it in the blocks from the dispute's on", () => {
      assert.deepEqual(next(), { kind: 'search', from: 1000 });
      assert.deepEqual(next({ tried: true }), { kind: 'search', from: 1000 });
    });

    test('it sends it again at each tip, whether it was taken or refused before', () => {
      assert.deepEqual(next({ searched: true }), { kind: 'rebroadcast' });
      const refused = after(breached(), penaltyBroadcast(), penaltyRefused('inputs-missing-or-spent'));
      assert.deepEqual(refused({ searched: true }), { kind: 'rebroadcast' });
    });

    test('then it waits for the next tip', () => {
      assert.deepEqual(next(tried), wait);
    });

    test('it needs no blob any more', () => {
      assert.deepEqual(next({ blob: undefined, searched: true }), { kind: 'rebroadcast' });
    });
  });

  describe('about a penalty in block 1001', () => {
    const next = after(breached(), penaltyBroadcast(), penaltyConfirmed(block(1001)));

    test('it waits through 99 confirmations', () => {
      assert.deepEqual(next({ tip: block(1001) }), wait);
      assert.deepEqual(next({ tip: block(1099) }), wait);
    });

    test('with 100, its own block included, it is irrevocable', () => {
      assert.deepEqual(next({ tip: block(1100) }), { kind: 'record', event: penaltyIrrevocable(1100) });
    });

    test('with more, should a block have been passed over, too', () => {
      assert.deepEqual(next({ tip: block(1234) }), { kind: 'record', event: penaltyIrrevocable(1234) });
    });

    test('once that is recorded, nothing, whatever becomes of the chain', () => {
      const done = after(breached(), penaltyBroadcast(), penaltyConfirmed(block(1001)), penaltyIrrevocable(1100));
      assert.deepEqual(done(), wait);
      assert.deepEqual(done({ isBest: () => false, blob: blob(2) }), wait);
    });
  });

  describe('about a breach or a penalty given up', () => {
    for (const [what, refused] of [
      ['a blob of no use', blobRefused(1)],
      ['a penalty that can never be valid', penaltyRefused('invalid', { final: true })],
    ] as const)
      test(`${what} is left alone until another blob comes`, () => {
        const next = after(breached(), refused);
        assert.deepEqual(next(), wait);
        assert.deepEqual(next({ blob: undefined }), wait);
        assert.deepEqual(next({ blob: blob(2) }), respond(2));
        assert.deepEqual(next({ blob: blob(2), tried: true }), wait);
        assert.deepEqual(next({ isBest: () => false }), wait, 'a reorg is no matter any more');
      });

    test('an appointment that ended may come again', () => {
      assert.deepEqual(after(breached(), blobRefused(0, 'appointment-ended'))(), respond(1));
    });
  });
});

describe('what the Responder does about inputs that are missing', () => {
  const missing = penaltyRefused('inputs-missing-or-spent');
  const histories = [
    [breached(), missing],
    [breached(), penaltyBroadcast(), missing],
  ];
  const trace = (from: number): Action => ({ kind: 'trace', from: height(from) });

  test('it tries first, then looks up what spent them, then waits for the next tip', () => {
    for (const history of histories) {
      assert.notEqual(after(...history)({ searched: true }).kind, 'trace');
      assert.deepEqual(after(...history)(tried), trace(1000));
      assert.deepEqual(after(...history)({ ...tried, traced: true }), wait);
    }
  });

  test('it never gives up what is only not there', () => {
    for (const history of histories)
      assert.deepEqual(after(...history)({ ...tried, traced: true, tip: block(9000) }), wait);
  });

  test('no other refusal is looked up', () => {
    for (const verdict of ['policy', 'unknown'] as const)
      assert.deepEqual(after(breached(), penaltyRefused(verdict))(tried), wait);
  });

  test('where the dispute was reorged out, it looks as far back as a reorg may reach', () => {
    assert.deepEqual(after(breached(), breachReorgedOut(), missing)(tried), trace(900));
  });
});

describe('what the Responder does about a penalty that was outspent in block 1003', () => {
  const at = block(1003);
  const next = after(breached(), penaltyBroadcast(), penaltyOutspent(at));

  test('it waits through 99 confirmations of the other transaction, and gives up with 100', () => {
    assert.deepEqual(next(), wait);
    assert.deepEqual(next({ tip: block(1101) }), wait);
    assert.deepEqual(next({ tip: block(1102) }), { kind: 'record', event: outspendIrrevocable(1102) });
    assert.deepEqual(next({ tip: block(2000) }), { kind: 'record', event: outspendIrrevocable(2000) });
  });

  test('it begins again when a reorg takes that out', () => {
    const gone: Action = { kind: 'record-reorg', event: outspendReorgedOut(at) };
    assert.deepEqual(next({ isBest: notBest(at), tip: block(1200) }), gone);
    const taken = after(breached(), penaltyBroadcast(), penaltyOutspent(at), outspendReorgedOut(at));
    assert.deepEqual(taken({ searched: true }), { kind: 'rebroadcast' });
    assert.deepEqual(after(breached(), penaltyOutspent(at), outspendReorgedOut(at))(), respond(1));
  });

  test('with the dispute gone too, both are recorded, the dispute first', () => {
    const isBest = notBest(block(1000), at);
    assert.deepEqual(next({ isBest }), { kind: 'record-reorg', event: breachReorgedOut() });
    const second = after(breached(), penaltyOutspent(at), breachReorgedOut())({ isBest });
    assert.deepEqual(second, { kind: 'record-reorg', event: outspendReorgedOut(at) });
  });

  test('once it is given up, nothing but another blob begins it anew', () => {
    const over = after(breached(), penaltyOutspent(at), outspendIrrevocable(1102));
    assert.deepEqual(over(), wait);
    assert.deepEqual(over({ blob: blob(2) }), respond(2));
  });
});

describe('what the Responder does after a reorg', () => {
  const [dispute, mined] = [block(1000), block(1001)];
  const disputeGone: Action = { kind: 'record-reorg', event: breachReorgedOut() };
  const penaltyGone: Action = { kind: 'record-reorg', event: penaltyReorgedOut(mined) };
  const broadcast = [breached(), penaltyBroadcast()];
  const confirmed = [...broadcast, penaltyConfirmed(mined)];

  test('a dispute that left the chain is recorded, at every stage, before all else', () => {
    const isBest = notBest(dispute, mined);
    for (const events of [[breached()], [breached(), penaltyRefused('policy')], broadcast, confirmed])
      assert.deepEqual(after(...events)({ isBest, tip: block(1200) }), disputeGone);
    assert.deepEqual(after(breached())({ isBest, blob: undefined }), disputeGone);
  });

  test('a penalty that left the chain is recorded, also where it had confirmations enough', () => {
    assert.deepEqual(after(...confirmed)({ isBest: notBest(mined), tip: block(1200) }), penaltyGone);
    assert.deepEqual(after(...confirmed, breachReorgedOut())({ isBest: notBest(dispute, mined) }), penaltyGone);
  });

  test('a penalty whose dispute is not known to be in the chain is looked for in the last 100 blocks, then sent', () => {
    const next = after(...confirmed, breachReorgedOut(), penaltyReorgedOut(mined));
    assert.deepEqual(next({ tip: block(1200) }), { kind: 'search', from: 1101 });
    assert.deepEqual(next({ tip: block(50) }), { kind: 'search', from: 0 });
    assert.deepEqual(next({ searched: true }), { kind: 'rebroadcast' });
    assert.deepEqual(next(tried), wait);
  });

  test('a breach that was not answered yet is answered all the same', () => {
    assert.deepEqual(after(breached(), breachReorgedOut())(), respond(1));
  });

  test('when the dispute is mined again, the penalty is looked for from there', () => {
    const again = breached(block(1003, 'b'));
    const next = after(...confirmed, breachReorgedOut(), penaltyReorgedOut(mined), again);
    assert.deepEqual(next(), { kind: 'search', from: 1003 });
  });

  test('a penalty alone reorged out is looked for from its dispute on, then sent', () => {
    const next = after(...confirmed, penaltyReorgedOut(mined));
    assert.deepEqual(next(), { kind: 'search', from: 1000 });
    assert.deepEqual(next({ searched: true }), { kind: 'rebroadcast' });
  });

  test('a penalty whose dispute is in another block than before stays confirmed as long as its own block stands', () => {
    const next = after(...confirmed, breached(block(1000, 'b')));
    assert.deepEqual(next({ tip: block(1100) }), { kind: 'record', event: penaltyIrrevocable(1100) });
  });
});

describe('what the Responder does about a dispute that was only seen in the mempool', () => {
  const ended: Action = {
    kind: 'record',
    event: { type: 'BlobRefused', blob: 0, reason: 'appointment-ended' },
  };

  test('it answers at once, and again at each tip', () => {
    const next = after(sighted());
    assert.deepEqual(next(), respond(1));
    assert.deepEqual(next({ tried: true }), wait);
  });

  test('it sends a penalty again at each tip, and does not look for it in blocks: it cannot be in one', () => {
    const next = after(sighted(), penaltyBroadcast());
    assert.deepEqual(next(), { kind: 'rebroadcast' });
    assert.deepEqual(next({ tried: true }), wait);
  });

  test('once it is mined, its penalty is looked for from there', () => {
    assert.deepEqual(after(sighted(), penaltyBroadcast(), breached())(), { kind: 'search', from: 1000 });
  });

  test('it ends with the appointment, whether or not a penalty was sent', () => {
    assert.deepEqual(after(sighted())({ blob: undefined }), ended);
    assert.deepEqual(after(sighted(), penaltyBroadcast())({ blob: undefined }), ended);
  });

  test('once it was mined, it is carried on without the appointment, also after a reorg', () => {
    const mined = [sighted(), penaltyBroadcast(), breached()];
    assert.deepEqual(after(...mined)({ blob: undefined, searched: true }), { kind: 'rebroadcast' });
    const next = after(...mined, breachReorgedOut());
    assert.deepEqual(next({ blob: undefined, searched: true }), { kind: 'rebroadcast' });
  });
});
