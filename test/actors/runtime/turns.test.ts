import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Turns } from '../../../actors/runtime/turns.js';

describe('work that takes turns, two at once', () => {
  test('is begun in the order in which it came, and never more than two pieces are under way', async () => {
    const turns = new Turns(2);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const all = [1, 2, 3, 4, 5].map((key) =>
      turns.take(() => {
        begun.push(key);
        return new Promise<void>((resolve) => ends.push(resolve));
      }),
    );
    await setImmediate();
    assert.deepEqual(begun, [1, 2]);
    ends[1]?.();
    await all[1];
    await setImmediate();
    assert.deepEqual(begun, [1, 2, 3]);
    for (let i = 0; i < 5; i++) {
      ends[i]?.();
      await setImmediate();
    }
    await Promise.all(all);
    assert.deepEqual(begun, [1, 2, 3, 4, 5]);
  });

  test('gives what it comes to', async () => {
    assert.equal(await new Turns(1).take(async () => 7), 7);
  });

  test('that fails is told so, and holds nothing up', async () => {
    const turns = new Turns(1);
    const failing = turns.take(async () => {
      throw new Error('no');
    });
    const next = turns.take(async () => {});
    await assert.rejects(failing, /no/);
    await next;
  });
});
