import { platform, setPriority } from 'node:os';
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

/** A nice value: of a processor that both want, the other gets three quarters. */
const BEHIND = 5;
// On Linux a thread has a priority of its own, and what is asked for "this process" is the thread's. It goes behind the thread that watches
// blocks, and behind the doors; elsewhere it would be the whole node's.
if (platform() === 'linux') setPriority(BEHIND);

const curve = name === nobleSecp256k1.name ? nobleSecp256k1 : secp256k1;

parentPort?.on('message', (batch: Uint8Array<ArrayBuffer> | null) => {
  if (batch === null) {
    parentPort?.close();
    return;
  }
  workOff(batch, 0, slotsOf(batch), curve, secret);
  parentPort?.postMessage(batch, [batch.buffer]);
});
