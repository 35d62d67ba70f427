import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Turns } from '../../../actors/runtime/turns.js';

describe('work that takes turns, two at once', () => {
  test('is begun in the order in which it came, and never more than two pieces are under way', async () => {
    const turns = new Turns<number>(2);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const all = [1, 2, 3, 4, 5].map((key) =>
      turns.take(key, () => {
        begun.push(key);
        return new Promise((resolve) => ends.push(resolve));
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

  test('is taken once for each key, until it is done', async () => {
    const turns = new Turns<string>(2);
    let done = 0;
    const work = async () => void done++;
    const first = turns.take('one', work);
    assert.equal(turns.take('one', work), undefined);
    await first;
    assert.equal(done, 1);
    await turns.take('one', work);
    assert.equal(done, 2);
  });

  test('that fails is told so, and holds nothing up', async () => {
    const turns = new Turns<string>(1);
    const failing = turns.take('one', async () => {
      throw new Error('no');
    });
    const next = turns.take('two', async () => {});
    await assert.rejects(failing ?? assert.fail(), /no/);
    await next;
    await turns.take('one', async () => {});
  });
});
