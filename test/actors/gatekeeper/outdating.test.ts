import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { height } from '../../fixtures/blocks.js';
import { accepted, ended, outdated, registered, renewed } from '../../fixtures/histories.js';
import { appointmentId } from '../../fixtures/ids.js';
import { given, outdate } from './commands.js';

const done = { kind: 'done' } as const;
const triggered = (...names: string[]) => {
  const ids = new Set(names.map(appointmentId));
  return { triggered: (id: ReturnType<typeof appointmentId>) => ids.has(id) };
};

describe('outdating a user whose subscription expires at 2000, with a grace of 6', () => {
  test('not a block before 2006', () => {
    for (const at of [1000, 1999, 2000, 2005]) given(registered()).when(outdate(at)).gives(done);
  });

  test('at 2006', () => {
    given(registered()).when(outdate(2006)).gives(done, outdated(2006));
  });

  test('at any height after, should 2006 have been skipped', () => {
    given(registered()).when(outdate(2007)).gives(done, outdated(2007));
    given(registered()).when(outdate(9000)).gives(done, outdated(9000));
  });

  test('a renewal moves it', () => {
    given(registered(), renewed({ expiry: height(3000) }))
      .when(outdate(2006))
      .gives(done);
    given(registered(), renewed({ expiry: height(3000) }))
      .when(outdate(3006))
      .gives(done, outdated(3006));
  });

  test('without grace, at the expiry', () => {
    given(registered())
      .when(outdate(2000, { grace: 0 }))
      .gives(done, outdated(2000));
  });

  test('who is unknown, or was outdated, is not outdated', () => {
    given().when(outdate(9000)).gives(done);
    given(registered(), outdated(2006)).when(outdate(9000)).gives(done);
  });

  test('not while a block is missing that came since its subscription began', () => {
    const missing = (at: number) => ({ isGapSince: (start: number) => at >= start });
    given(registered(), accepted('one'))
      .when(outdate(2006, missing(1500)))
      .gives(done);
    given(registered())
      .when(outdate(2006, missing(500)))
      .gives(done, outdated(2006));
  });

  test('its appointments end first, each with its slots', () => {
    given(registered(), accepted('one'), accepted('two', { slots: 3 }))
      .when(outdate(2006))
      .gives(done, ended('one', 'expired', 1), ended('two', 'expired', 3), outdated(2006));
  });

  test('what ended already does not end again', () => {
    given(registered(), accepted('one'), ended('one', 'resolved'), accepted('two'), ended('two', 'rejected'))
      .when(outdate(2006))
      .gives(done, outdated(2006));
  });

  test('an appointment whose breach is being answered survives', () => {
    const history = [registered(), accepted('one'), accepted('two')];
    given(...history)
      .when(outdate(2006, triggered('one')))
      .gives(done, ended('two', 'expired'), outdated(2006));
    given(...history)
      .when(outdate(2006, triggered('one', 'two')))
      .gives(done, outdated(2006));
  });

  describe('with more appointments than one commit ends', () => {
    const names = Array.from({ length: 1001 }, (_, n) => `channel ${n}`);
    const history = (many: number) => [registered(), ...names.slice(0, many).map((name) => accepted(name))];

    test('a thousand fit, the end of the subscription with them', () => {
      const { outcome, events } = given(...history(1000)).when(outdate(2006));
      assert.deepEqual(outcome, done);
      assert.equal(events.length, 1001);
    });

    test('of one more, a thousand end and the rest is asked for again', () => {
      const because = 'the outcome asks to be asked again';
      const first = given(...history(1001)).when(outdate(2006), { because });
      assert.deepEqual(first.outcome, { kind: 'more' });
      assert.equal(first.events.length, 1000);
      assert.ok(first.events.every(({ type }) => type === 'AppointmentEnded'));
      given(...history(1001), ...first.events)
        .when(outdate(2006))
        .gives(done, ended('channel 1000', 'expired'), outdated(2006));
    });
  });
});
