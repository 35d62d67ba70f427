import { randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { messageDigest, signMessage } from '../../events/signing/message.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { decodeZbase32 } from '../../events/signing/zbase32.js';

/**
 * How many signatures a second so many threads check that do nothing else: the very function of the curve over digests that are
 * there already, on this thread alone for one.
 */
export async function checkingRate(threads: number, seconds: number): Promise<number> {
  if (threads <= 1) return checkHere(seconds);
  const code = `import(${JSON.stringify(import.meta.url)}).then(({ checkHere }) => {
    require('node:worker_threads').parentPort.postMessage(checkHere(${seconds}));
  })`;
  const rates = Array.from({ length: threads }, () => {
    const worker = new Worker(code, { eval: true, execArgv: [], env: {} });
    return new Promise<number>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  });
  return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
}

export function checkHere(seconds: number): number {
  const secret = new Uint8Array(randomBytes(32));
  const signed = Array.from({ length: 64 }, () => {
    const message = new Uint8Array(randomBytes(108));
    const record = decodeZbase32(signMessage(message, secret)) ?? new Uint8Array(65);
    return { digest: messageDigest(message), signature: record.subarray(1), recoveryId: (record[0] ?? 31) - 31 };
  });
  const once = () => {
    for (const { digest, signature, recoveryId } of signed)
      if (!secp256k1.recover(digest, signature, recoveryId)) throw new Error('a signature of our own does not recover');
  };
  for (let i = 0; i < 10; i++) once();
  const begun = performance.now();
  let done = 0;
  for (; performance.now() - begun < seconds * 1000; done += signed.length) once();
  return done / ((performance.now() - begun) / 1000);
}
