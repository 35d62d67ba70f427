import { parentPort, workerData } from 'node:worker_threads';
import { TowerId } from '../../events/ids.js';
import { checkBatch } from './signature-batch.js';

/** A thread of `SignatureChecks`: checks batch after batch, and holds nothing between two. */
const towerId = TowerId.parse(workerData);

parentPort?.on('message', (batch: Uint8Array) => {
  const results = checkBatch(batch, towerId);
  parentPort?.postMessage(results, [results.buffer]);
});
