import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, decideAnswer, decideConfirmed } from '../../../actors/responder/decisions.js';
import { decideOutspent } from '../../../actors/responder/outspend.js';
import type { BlockRef } from '../../../events/chain.js';
import type { RefusalVerdict, TrackerEvent } from '../../../events/tracker.js';
import { evolveTracker, noTracker } from '../../../projections/tracker.js';
import { block, height } from '../../fixtures/blocks.js';
import {
  blobRefused,
  breached,
  breachReorgedOut,
  dispute,
  outspendIrrevocable,
  penalty,
  penaltyBroadcast,
  penaltyConfirmed,
  penaltyIrrevocable,
  penaltyOutspent,
  penaltyRefused,
  penaltyReorgedOut,
  rival,
  sighted,
} from '../../fixtures/histories.js';
import { specify } from '../../support/given.js';

const tracker = { initialState: noTracker, evolve: evolveTracker };
const given = specify({ ...tracker, decide: decideAnswer });

/** bitcoind took the penalty that was in the blob at position 1, or has it. */
const taken = (at = 1000): Answer => ({ kind: 'sent', blob: 1, penalty, refusal: undefined, height: height(at) });

/** bitcoind refused it. */
const refused = (verdict: RefusalVerdict, at = 1000, blob = 1): Answer => ({
  kind: 'sent',
  blob,
  penalty,
  refusal: { verdict, detail: '-26' },
  height: height(at),
});

const unopened = (blob: number): Answer => ({ kind: 'refused-blob', blob, reason: 'does-not-decrypt' });

const after = (answer: Answer, ...history: TrackerEvent[]) => ({
  isRecordedAs: (...events: TrackerEvent[]) =>
    given(...history)
      .when(answer)
      .gives(undefined, ...events),
  isNothingNew: () =>
    given(...history)
      .when(answer)
      .gives(undefined),
});

const confirmed = [breached(), penaltyBroadcast(), penaltyConfirmed(block(1001))];
const givenUp = penaltyRefused('invalid', { final: true });

describe('a penalty that bitcoind took', () => {
  test('is recorded for a breach, also after refusals', () => {
    after(taken(), breached()).isRecordedAs(penaltyBroadcast());
    after(taken(1007), breached(), penaltyRefused('policy')).isRecordedAs(penaltyBroadcast(1007));
    after(taken(), breached(), breachReorgedOut()).isRecordedAs(penaltyBroadcast());
  });

  test('is recorded once, however often it is sent', () => {
    after(taken(1001), breached(), penaltyBroadcast()).isNothingNew();
  });

  test('is recorded again after a refusal', () => {
    after(taken(1002), breached(), penaltyBroadcast(), penaltyRefused('policy')).isRecordedAs(penaltyBroadcast(1002));
  });

  test('is recorded where it was given up: a newer blob, or another node that knew better', () => {
    after(taken(), breached(), blobRefused(7)).isRecordedAs(penaltyBroadcast());
    after(taken(), breached(), givenUp).isRecordedAs(penaltyBroadcast());
  });

  test('is nothing new once it is in a block', () => {
    after(taken(), ...confirmed).isNothingNew();
    after(taken(), ...confirmed, penaltyIrrevocable(1100)).isNothingNew();
  });

  test('without a breach on the log is not recorded: the tracker begins with it', () => {
    after(taken()).isNothingNew();
  });
});

describe('a blob of no use', () => {
  test('is recorded for a breach', () => {
    after(unopened(1), breached()).isRecordedAs(blobRefused(1));
    after(unopened(1), breached(), penaltyRefused('policy')).isRecordedAs(blobRefused(1));
    const notOne: Answer = { kind: 'refused-blob', blob: 1, reason: 'not-a-transaction' };
    after(notOne, breached()).isRecordedAs(blobRefused(1, 'not-a-transaction'));
  });

  test('is recorded once for each blob', () => {
    after(unopened(1), breached(), blobRefused(1)).isNothingNew();
    after(unopened(2), breached(), blobRefused(1)).isRecordedAs(blobRefused(2));
    after(unopened(2), breached(), givenUp).isRecordedAs(blobRefused(2));
  });

  test('takes nothing back: not a penalty that was sent, not one in a block', () => {
    after(unopened(1), breached(), penaltyBroadcast()).isNothingNew();
    after(unopened(1), ...confirmed).isNothingNew();
    after(unopened(1)).isNothingNew();
  });
});

describe('a penalty that bitcoind refused', () => {
  for (const verdict of ['inputs-missing-or-spent', 'policy', 'unknown'] as const)
    test(`as ${verdict}: recorded once, and not for ever`, () => {
      after(refused(verdict), breached()).isRecordedAs(penaltyRefused(verdict));
      after(refused(verdict, 1001), breached(), penaltyRefused(verdict)).isNothingNew();
      const sent = [breached(), penaltyBroadcast()];
      after(refused(verdict), ...sent).isRecordedAs(penaltyRefused(verdict));
      after(refused(verdict, 1001), ...sent, penaltyRefused(verdict)).isNothingNew();
    });

  test('another verdict than before is recorded', () => {
    const next = penaltyRefused('inputs-missing-or-spent', { height: height(1003) });
    after(refused('inputs-missing-or-spent', 1003), breached(), penaltyRefused('policy')).isRecordedAs(next);
  });

  test('as invalid: for ever, whether or not it was taken before', () => {
    after(refused('invalid'), breached()).isRecordedAs(givenUp);
    after(refused('invalid'), breached(), penaltyBroadcast()).isRecordedAs(givenUp);
    after(refused('invalid', 1001), breached(), penaltyRefused('policy')).isRecordedAs({
      ...givenUp,
      height: height(1001),
    });
    after(refused('invalid', 1001), breached(), givenUp).isNothingNew();
    after(refused('policy', 1001), breached(), givenUp).isNothingNew();
  });

  test('in a new blob after another was given up: tried like the first', () => {
    const second = penaltyRefused('policy', { blob: 2 });
    after(refused('policy', 1000, 2), breached(), blobRefused(1)).isRecordedAs(second);
    after(refused('policy', 1000, 2), breached(), givenUp).isRecordedAs(second);
    after(refused('invalid', 1000, 2), breached(), givenUp).isRecordedAs({ ...givenUp, blob: 2 });
  });

  test('takes nothing back once it is in a block', () => {
    after(refused('inputs-missing-or-spent', 1002), ...confirmed).isNothingNew();
    after(refused('invalid', 1100), ...confirmed, penaltyIrrevocable(1100)).isNothingNew();
    after(refused('policy')).isNothingNew();
  });

  test('after a reorg took it out again: recorded', () => {
    const reorged = [...confirmed, penaltyReorgedOut(block(1001))];
    after(refused('policy', 1002), ...reorged).isRecordedAs(penaltyRefused('policy', { height: height(1002) }));
  });

  test('of which the appointment is over already: recorded without a blob', () => {
    const event = penaltyRefused('policy', { blob: 0 });
    after(refused('policy', 1000, 0), breached(), penaltyBroadcast()).isRecordedAs(event);
  });

  test('what bitcoind said is cut to what the log takes', () => {
    const answer = { ...refused('unknown'), refusal: { verdict: 'unknown', detail: 'x'.repeat(300) } } as const;
    const [event] = given(breached()).when(answer as Answer).events;
    assert.equal(event?.type === 'PenaltyRefused' && event.detail.length, 200);
  });
});

test('no refusal but an invalid penalty becomes final by time', () => {
  for (const verdict of ['inputs-missing-or-spent', 'policy', 'unknown'] as const)
    after(refused(verdict, 9000), breached(), penaltyRefused(verdict)).isNothingNew();
});

describe('a penalty that another transaction outspent', () => {
  const outspend = { output: { txid: dispute, vout: 0 }, spentBy: rival, block: block(1003) };
  const found = { penaltyTxid: penalty.txid, blob: 1, outspend };
  const outspent = specify({ ...tracker, decide: decideOutspent });

  test('is recorded, whether or not it was taken before', () => {
    for (const history of [[breached()], [breached(), penaltyBroadcast()], [breached(), breachReorgedOut()]])
      outspent(...history)
        .when(found)
        .gives(undefined, penaltyOutspent(block(1003)));
  });

  test('is nothing new where it is known, mined or over', () => {
    const known = [breached(), penaltyOutspent(block(1003))];
    for (const history of [[], known, [...known, outspendIrrevocable(1102)], confirmed, [breached(), givenUp]])
      outspent(...history)
        .when(found)
        .gives(undefined);
  });

  test('no answer of bitcoind takes it back', () => {
    const history = [breached(), penaltyBroadcast(), penaltyOutspent(block(1003))];
    for (const answer of [taken(1004), refused('inputs-missing-or-spent', 1004), refused('invalid', 1004)])
      after(answer, ...history).isNothingNew();
  });
});

describe('a penalty found in a block', () => {
  const found = specify({ ...tracker, decide: (at: BlockRef, state) => decideConfirmed(at, state) });
  const at = block(1001);

  test('is recorded if it was broadcast', () => {
    found(breached(), penaltyBroadcast()).when(at).gives(undefined, penaltyConfirmed(at));
    found(breached(), penaltyBroadcast(), penaltyRefused('inputs-missing-or-spent'))
      .when(at)
      .gives(undefined, penaltyConfirmed(at));
  });

  test('is recorded again after a reorg, with its new block', () => {
    found(...confirmed, penaltyReorgedOut(block(1001)))
      .when(block(1001, 'b'))
      .gives(undefined, penaltyConfirmed(block(1001, 'b')));
  });

  test('is nothing new where it is known, and nothing where none was sent', () => {
    for (const history of [[], [breached()], [breached(), blobRefused(1)], confirmed])
      found(...history)
        .when(at)
        .gives(undefined);
  });
});

describe('a penalty whose dispute was only seen in a mempool', () => {
  test('is recorded when it is taken, and when it is refused for its own sake', () => {
    after(taken(), sighted()).isRecordedAs(penaltyBroadcast());
    after(refused('policy'), sighted()).isRecordedAs(penaltyRefused('policy'));
    after(refused('invalid'), sighted(), penaltyBroadcast()).isRecordedAs(givenUp);
    after(unopened(1), sighted()).isRecordedAs(blobRefused(1));
  });

  test('and is not in this one, is nothing to record: the dispute was replaced, or another node knows it', () => {
    after(refused('inputs-missing-or-spent'), sighted()).isNothingNew();
    after(refused('inputs-missing-or-spent'), sighted(), penaltyBroadcast()).isNothingNew();
    after(refused('inputs-missing-or-spent', 1200), sighted(), penaltyRefused('policy')).isNothingNew();
  });

  test('is tried like any other once the dispute is mined', () => {
    const missing = refused('inputs-missing-or-spent', 1001);
    const event = penaltyRefused('inputs-missing-or-spent', { height: height(1001) });
    after(missing, sighted(), penaltyBroadcast(), breached()).isRecordedAs(event);
  });

  test('of a newer appointment, after the first ended, is live again even without its dispute', () => {
    const event = penaltyRefused('inputs-missing-or-spent', { blob: 2 });
    after(refused('inputs-missing-or-spent', 1000, 2), sighted(), blobRefused(0, 'appointment-ended')).isRecordedAs(
      event,
    );
  });
});
