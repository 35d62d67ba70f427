import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Precedence } from '../../../actors/runtime/precedence.js';
import { until } from '../../support/until.js';

function deferred() {
  let resolve = () => {};
  let reject = (_error: Error) => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the right of way', () => {
  test('is held until the work is done, and whoever waited is called back then', async () => {
    const precedence = new Precedence();
    const work = deferred();
    const done = precedence.during(work.promise);
    let free = 0;
    precedence.whenFree(() => free++);
    await turn();
    assert.deepEqual([precedence.isHeld, free], [true, 0]);
    work.resolve();
    await done;
    assert.deepEqual([precedence.isHeld, free], [false, 1]);
    precedence.whenFree(() => free++);
    assert.equal(free, 2);
  });

  test('tells other threads each time that it is held by another odd number, and when it is not', async () => {
    const precedence = new Precedence();
    const stretch = () => Atomics.load(precedence.stretch, 0);
    const told = [stretch()];
    for (let i = 0; i < 2; i++) {
      const work = deferred();
      const done = precedence.during(work.promise);
      told.push(stretch());
      work.resolve();
      await done;
      told.push(stretch());
    }
    assert.deepEqual(told, [0, 1, 2, 3, 4]);
  });

  test('is held by whatever work there is, and given back by work that fails', async () => {
    const precedence = new Precedence();
    const [one, other] = [deferred(), deferred()];
    const failing = precedence.during(one.promise);
    const working = precedence.during(other.promise);
    one.reject(new Error('no block'));
    await assert.rejects(failing, /no block/);
    assert.equal(precedence.isHeld, true);
    other.resolve();
    await working;
    assert.equal(precedence.isHeld, false);
  });

  test('gives way now and then when the work takes too long, and is held again after that', async () => {
    const precedence = new Precedence();
    const work = deferred();
    const done = precedence.during(work.promise);
    let free = 0;
    precedence.whenFree(() => free++);
    await until('it gives way', () => free === 1);
    await until('it is held again', () => precedence.isHeld);
    precedence.whenFree(() => free++);
    await until('it gives way again', () => free === 2);
    work.resolve();
    await done;
    await until('it is free', () => !precedence.isHeld);
  });

  test('gives way also when one short piece of work follows another without end', async () => {
    const precedence = new Precedence();
    let gaveWay = false;
    const end = Date.now() + 20_000;
    while (!gaveWay && Date.now() < end) {
      const work = deferred();
      const done = precedence.during(work.promise);
      await new Promise((resolve) => setTimeout(resolve, 20));
      gaveWay = !precedence.isHeld;
      work.resolve();
      await done;
    }
    assert.ok(gaveWay);
  });
});
