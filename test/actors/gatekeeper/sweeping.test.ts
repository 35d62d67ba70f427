import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sweep } from '../../../actors/gatekeeper/decisions.js';
import { blob, outdated, registered, swept } from '../../fixtures/histories.js';
import { add, given } from './commands.js';

/** Blobs were found, of which live appointments refer to some. */
const sweep = (blobs: readonly number[], wanted: readonly number[] = []): Sweep => ({
  kind: 'sweep',
  blobs,
  isWanted: (position) => wanted.includes(position),
});
const erase = (...blobs: number[]) => ({ kind: 'swept', blobs }) as const;
const tooLate = { kind: 'unavailable', why: 'the request took too long; send it again' } as const;

describe('sweeping the blobs of a user', () => {
  test('erases what no appointment refers to, and says so first', () => {
    given(registered())
      .when(sweep([3, 5]))
      .gives(erase(3, 5), swept(5));
    given(registered())
      .when(sweep([2, 3, 5], [3]))
      .gives(erase(2, 5), swept(5));
  });

  test('spares what a live appointment refers to', () => {
    given(registered())
      .when(sweep([3], [3]))
      .gives(erase());
  });

  test('also of one that is forgotten', () => {
    given(registered(), outdated(2006))
      .when(sweep([3]))
      .gives(erase(3), swept(3));
  });

  test('a second time needs no event: the erasure may have failed', () => {
    given(registered(), swept(5))
      .when(sweep([3, 5]))
      .gives(erase(3, 5));
  });

  test('of nobody that is known, erases', () => {
    given()
      .when(sweep([3]))
      .gives(erase(3));
  });
});

describe('an appointment whose blob was swept before its commit came', () => {
  test('is refused for now, with nothing charged', () => {
    for (const position of [4, 5])
      given(registered(), swept(5))
        .when(add('one', { blob: blob(position) }))
        .gives(tooLate);
    given(registered(), swept(5), outdated(2006), registered())
      .when(add('one', { blob: blob(5) }))
      .gives(tooLate);
  });

  test('is taken with the next blob', () => {
    const { outcome } = given(registered(), swept(5)).when(add('one', { blob: blob(6) }));
    assert.equal(outcome.kind, 'accepted');
  });

  test('is answered as before if it was accepted before: that refers to another blob', () => {
    const one = given(registered()).when(add('one', { blob: blob(3) }));
    const { outcome } = given(registered(), ...one.events, swept(5)).when(
      add('one', { blob: { ...blob(3), position: 5 } }),
    );
    assert.deepEqual(outcome, one.outcome);
  });
});
