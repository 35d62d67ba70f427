import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { endingOf } from '../../../actors/gatekeeper/endings.js';
import type { TrackerEvent } from '../../../events/tracker.js';
import { evolveTracker, noTracker } from '../../../projections/tracker.js';
import { block } from '../../fixtures/blocks.js';
import {
  accepted,
  blob,
  blobRefused,
  breached,
  ended,
  outdated,
  penaltyBroadcast,
  penaltyConfirmed,
  penaltyIrrevocable,
  penaltyRefused,
  registered,
} from '../../fixtures/histories.js';
import { add, given, rejected, resolved } from './commands.js';

const done = { kind: 'done' } as const;
const slotsOf = (outcome: { kind: string }) =>
  outcome.kind === 'accepted' && 'slots' in outcome ? outcome.slots : NaN;

describe('the end of an appointment', () => {
  const history = [registered(), accepted('channel', { slots: 2, slotsLeft: 98, blob: blob(1, 4000) })];

  test('resolved: its slots are given back', () => {
    given(...history)
      .when(resolved('channel'))
      .gives(done, ended('channel', 'resolved', 2));
    const { outcome } = given(...history, ended('channel', 'resolved', 2)).when(add('other'));
    assert.equal(slotsOf(outcome), 99);
  });

  test('rejected: it stays charged', () => {
    given(...history)
      .when(rejected('channel', 1))
      .gives(done, ended('channel', 'rejected', 0));
    const { outcome } = given(...history, ended('channel', 'rejected')).when(add('other'));
    assert.equal(slotsOf(outcome), 97);
  });

  test('rejected and sent again, the same or mended: taken for what it costs more, so free if it is not larger', () => {
    const over = [...history, ended('channel', 'rejected')];
    for (const [size, left] of [
      [4000, 98],
      [100, 99],
      [5000, 97],
    ] as const) {
      const { outcome } = given(...over).when(add('channel', { blob: blob(2, size) }));
      assert.equal(slotsOf(outcome), left, `${size} bytes`);
    }
    const same = given(...over).when(add('channel', { blob: blob(1, 4000) }));
    assert.equal(slotsOf(same.outcome), 98);
    assert.equal(same.events.length, 1, 'it is on the log again, so that it is tried again');
  });

  test('rejected for another blob than the one held now: nothing, since a newer one came', () => {
    given(...history)
      .when(rejected('channel', 2))
      .gives(done);
    given(...history, accepted('channel', { blob: blob(5) }))
      .when(rejected('channel', 1))
      .gives(done);
  });

  test('what ended, or never was, does not end', () => {
    given().when(resolved('channel')).gives(done);
    given(registered()).when(rejected('channel', 1)).gives(done);
    given(...history, ended('channel', 'resolved', 2))
      .when(resolved('channel'))
      .gives(done);
    given(...history, ended('channel', 'rejected'))
      .when(resolved('channel'))
      .gives(done);
  });

  test('after the user was outdated, an answered breach ends all the same', () => {
    given(...history, outdated(2006))
      .when(resolved('channel'))
      .gives(done, ended('channel', 'resolved', 2));
    given(...history, outdated(2006))
      .when(rejected('channel', 1))
      .gives(done, ended('channel', 'rejected', 0));
  });

  test('a refund never gives more slots than 32 bits hold', () => {
    const rich = [...history, registered({ slots: 0xffffffff }), ended('channel', 'resolved', 2)];
    const { outcome } = given(...rich).when(add('other'));
    assert.equal(slotsOf(outcome), 0xffffffff - 1);
  });

  test('a smaller update never gives more slots than 32 bits hold', () => {
    const rich = [...history, registered({ slots: 0xffffffff })];
    const { outcome, events } = given(...rich).when(add('channel', { blob: blob(2, 100) }));
    assert.equal(slotsOf(outcome), 0xffffffff);
    assert.equal(events[0]?.type === 'AppointmentAccepted' && events[0].slotsLeft, 0xffffffff);
  });
});

describe("how a tracker's end ends its appointment", () => {
  const endAfter = (...events: TrackerEvent[]) => endingOf(events.reduce(evolveTracker, noTracker()));
  const confirmed = [breached(), penaltyBroadcast(), penaltyConfirmed(block(1001))];

  test('while there is work with it, not at all', () => {
    assert.equal(endAfter(), undefined);
    assert.equal(endAfter(breached()), undefined);
    assert.equal(endAfter(breached(), penaltyRefused('policy')), undefined);
    assert.equal(endAfter(breached(), penaltyBroadcast()), undefined);
    assert.equal(endAfter(...confirmed), undefined);
  });

  test('a buried penalty resolves it', () => {
    assert.deepEqual(endAfter(...confirmed, penaltyIrrevocable(1100)), { reason: 'resolved' });
  });

  test('a blob of no use rejects it, for that blob', () => {
    assert.deepEqual(endAfter(breached(), blobRefused(3)), { reason: 'rejected', blob: 3 });
    const invalid = penaltyRefused('invalid', { blob: 4, final: true });
    assert.deepEqual(endAfter(breached(), invalid), { reason: 'rejected', blob: 4 });
  });
});
