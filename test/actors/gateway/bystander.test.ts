import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Bystander } from '../../../actors/gateway/bystander.js';

const shared = () => new Int32Array(new SharedArrayBuffer(4));

describe('a bystander', () => {
  test('stands aside once for each time that the right of way is held, and not at all while it is free', () => {
    const stretch = shared();
    let ms = 0;
    const bystander = new Bystander(stretch, () => ms);
    const at = (number: number, time: number) => {
      ms = time;
      Atomics.store(stretch, 0, number);
      return bystander.standAside();
    };
    assert.deepEqual([at(0, 0), at(1, 0), at(1, 500), at(2, 500)], ['no', 'long enough', 'no', 'no']);
    assert.deepEqual([at(3, 500), at(5, 600), at(7, 699), at(9, 700)], ['long enough', 'no', 'no', 'long enough']);
  });

  test('goes on when it is free', async (t) => {
    const stretch = shared();
    Atomics.store(stretch, 0, 1);
    // Says that it is free as soon as somebody waits for that.
    const program = `
      const { workerData } = require('node:worker_threads');
      while (Atomics.notify(workerData, 0) === 0);`;
    const worker = new Worker(program, { eval: true, workerData: stretch });
    t.after(() => worker.terminate());
    await new Promise((resolve) => worker.once('online', resolve));
    let ms = 0;
    const bystander = new Bystander(stretch, () => (ms += 1_000));
    let stood = bystander.standAside();
    // The worker may have been starved for as long as one stands.
    for (let number = 3; stood === 'long enough'; number += 2) {
      Atomics.store(stretch, 0, number);
      stood = bystander.standAside();
    }
    assert.equal(stood, 'until free');
  });
});
