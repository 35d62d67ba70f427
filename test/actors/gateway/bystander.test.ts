import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Bystander } from '../../../actors/gateway/bystander.js';

const shared = () => new Int32Array(new SharedArrayBuffer(4));

describe('a bystander', () => {
  test('stands aside once for each time that the right of way is held, and not at all while it is free', () => {
    const stretch = shared();
    const bystander = new Bystander(stretch);
    const stands = [0, 1, 1, 2, 3, 3].map((number) => {
      Atomics.store(stretch, 0, number);
      return bystander.standAside();
    });
    assert.deepEqual(stands, ['no', 'long enough', 'no', 'no', 'long enough', 'no']);
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
    const bystander = new Bystander(stretch);
    let stood = bystander.standAside();
    // The worker may have been starved for as long as one stands.
    for (let number = 3; stood === 'long enough'; number += 2) {
      Atomics.store(stretch, 0, number);
      stood = bystander.standAside();
    }
    assert.equal(stood, 'until free');
  });
});
