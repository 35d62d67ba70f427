import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reconnectDelay } from '../../../events/log/reconnect-delay.js';

const HOUR = 3_600_000;

/** Clocks that go as they are told, and what is waited by them. */
function waiting() {
  const now = { wall: 1_000_000, steady: 0 };
  const delay = reconnectDelay(250, { wall: () => now.wall, steady: () => now.steady });
  return {
    delay,
    pass: (ms: number) => {
      now.wall += ms;
      now.steady += ms;
    },
    set: (ms: number) => {
      now.wall += ms;
    },
  };
}

const isUsual = (ms: number) => ms >= 250 && ms <= 375;

describe('the wait before NATS is tried again', () => {
  test('is some 250 ms, whatever time passes', () => {
    const { delay, pass } = waiting();
    for (const ms of [0, 1, 250, HOUR]) {
      pass(ms);
      assert.ok(isUsual(delay()));
    }
  });

  test('is not longer when the clock was set back: an attempt that was made before is long ago', () => {
    const { delay, pass, set } = waiting();
    delay();
    const lastAttempt = 1_000_000;
    pass(250);
    set(-HOUR);
    const wait = delay();
    assert.ok(lastAttempt + wait <= 1_000_000 + 250 - HOUR, `${wait}`);
    for (let i = 1; i < 16; i++) assert.equal(delay(), wait, 'for the other servers of a cluster');
    assert.ok(isUsual(delay()));
  });

  test('adds up what the clock was set back before an attempt could be made', () => {
    const { delay, set } = waiting();
    set(-HOUR);
    delay();
    set(-HOUR);
    assert.equal(delay(), 250 - 2 * HOUR);
  });

  test('is as ever when the clock was set forward, or is steered', () => {
    const { delay, set } = waiting();
    for (const ms of [HOUR, -500, -500]) {
      set(ms);
      assert.ok(isUsual(delay()));
    }
  });
});
