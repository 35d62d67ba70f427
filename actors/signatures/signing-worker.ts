import { parentPort, workerData } from 'node:worker_threads';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { nobleSecp256k1 } from '../../events/signing/secp256k1-noble.js';
import type { SigningThreadOptions } from './signing-thread.js';
import { slotsOf, workOff } from './slots.js';

/**
 * The other end of a `SigningThread`: works batches off and sends them back. It knows nothing but the curve, holds nothing
 * between two batches, ends at `null`, and reads the tower's key where the node has it: in memory that they share.
 */
const { secret, curve: name }: SigningThreadOptions = workerData;
const curve = name === nobleSecp256k1.name ? nobleSecp256k1 : secp256k1;

parentPort?.on('message', (batch: Uint8Array<ArrayBuffer> | null) => {
  if (batch === null) {
    parentPort?.close();
    return;
  }
  workOff(batch, 0, slotsOf(batch), curve, secret);
  parentPort?.postMessage(batch, [batch.buffer]);
});
