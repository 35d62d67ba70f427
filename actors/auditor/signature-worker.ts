import { parentPort, workerData } from 'node:worker_threads';
import { TowerId } from '../../events/ids.js';
import { type CheckedBatch, checkBatch } from './signature-batch.js';

/** A thread of `SignatureChecks`: checks batch after batch, and holds nothing between two; `null` ends it. */
const towerId = TowerId.parse(workerData);

parentPort?.on('message', (batch: Uint8Array<ArrayBuffer> | null) => {
  if (batch === null) {
    parentPort?.close();
    return;
  }
  const results = checkBatch(batch, towerId);
  const answer: CheckedBatch = { results, memory: batch.buffer };
  parentPort?.postMessage(answer, [results.buffer, batch.buffer]);
});
