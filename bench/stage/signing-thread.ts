import { parentPort, workerData } from 'node:worker_threads';
import { type Part, type Signers, signedPart } from './signed-appointments.js';

/** A thread of `SignedLog`: signs one part after another. */
const signers: Signers = workerData;

parentPort?.on('message', (part: Part) => parentPort?.postMessage(signedPart(signers, part)));
