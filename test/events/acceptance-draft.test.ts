import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcceptanceDraft, UNSTORED } from '../../events/acceptance-draft.js';
import { userAggregate } from '../../events/aggregate.js';
import { decodeCommit, encodeCommit } from '../../events/commit.js';
import type { AppointmentAccepted, UserEvent } from '../../events/user.js';
import { accepted, ended } from '../fixtures/histories.js';
import { userId } from '../fixtures/ids.js';

const alice = userId('alice');
const NOW = Date.UTC(2026, 2, 4);
const event = accepted('a');
const at = (position: number, change: Partial<AppointmentAccepted> = {}): AppointmentAccepted => ({
  ...event,
  ...change,
  blob: { ...event.blob, ...change.blob, position },
});
const draft = () => {
  const made = AcceptanceDraft.of(alice, [at(UNSTORED)], 'one', NOW);
  assert(made);
  return made;
};

test('a draft becomes the very commit that would be written anew, with the position of its blob', () => {
  for (const position of [1, 42, 2 ** 40]) {
    const drafted = draft().complete(userAggregate(alice), [at(position)]);
    assert(drafted);
    assert.deepEqual(Buffer.from(drafted.data), Buffer.from(encodeCommit(drafted.commit)));
    assert.deepEqual(decodeCommit(drafted.data), { ...drafted.commit, events: [at(position)] });
    assert.equal(drafted.commit.time, new Date(NOW).toISOString());
  }
});

test('what was decided otherwise meanwhile is not what was drafted', () => {
  const whole = draft();
  const others: readonly (readonly UserEvent[])[] = [
    [],
    [at(7, { slotsLeft: event.slotsLeft - 1 })],
    [at(7, { startBlock: (event.startBlock + 1) as typeof event.startBlock })],
    [at(7, { toSelfDelay: event.toSelfDelay + 1 })],
    [at(7, { blob: { ...event.blob, size: event.blob.size + 1 } })],
    [at(7, { blob: { ...event.blob, sha256: '00'.repeat(32) } })],
    [at(7), at(8)],
    [at(UNSTORED)],
    [at(0)],
    [at(7.5)],
    [ended('a', 'resolved')],
  ];
  for (const events of others) assert.equal(whole.complete(userAggregate(alice), events), undefined);
  assert.equal(whole.complete(userAggregate(userId('bob')), [at(7)]), undefined);
  assert(whole.complete(userAggregate(alice), [at(7)]));
});

test('only one acceptance alone, of a blob that is not stored, is drafted', () => {
  for (const events of [[], [at(7)], [ended('a', 'resolved')], [at(UNSTORED), at(UNSTORED)]])
    assert.equal(AcceptanceDraft.of(alice, events, 'one', NOW), undefined);
});

test('an event that is not of its own shape is not drafted but thrown', () => {
  assert.throws(() => AcceptanceDraft.of(alice, [at(UNSTORED, { slots: -1 })], 'one', NOW));
});
