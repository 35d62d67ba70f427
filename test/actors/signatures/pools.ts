import pino from 'pino';
import { SignaturePool, type SignaturePoolOptions } from '../../../actors/signatures/signature-pool.js';
import { type SigningThread, startSigningThread } from '../../../actors/signatures/signing-thread.js';
import { fromHex } from '../../../events/bytes.js';
import type { Secp256k1 } from '../../../events/signing/curve.js';
import { signMessage } from '../../../events/signing/message.js';
import { pseudoRandom } from '../../events/signing/curves.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import type { Cleanup } from '../../support/temp-dir.js';

/** Signature pools of the vectors' tower, whose threads a test can look at, kill and hold up. */

export const towerSecret = fromHex(exchange.towerSecret);

export interface TestPool {
  readonly pool: SignaturePool;
  /** Those that were started, in that order. */
  readonly threads: readonly SigningThread[];
  /** The key as it is shared with them. */
  readonly shared: readonly Uint8Array[];
  /** The lines of the log. */
  readonly said: readonly string[];
}

/** A pool that is stopped with the test. */
export function testPool(t: Cleanup, options: Partial<SignaturePoolOptions> = {}): TestPool {
  const threads: SigningThread[] = [];
  const shared: Uint8Array[] = [];
  const said: string[] = [];
  const start = options.startThread ?? startSigningThread;
  const pool = new SignaturePool({
    copySecret: (into) => into.set(towerSecret),
    threads: 2,
    log: pino({ level: 'info' }, { write: (line) => void said.push(line) }),
    ...options,
    startThread: (given, events) => {
      shared.push(given.secret);
      const thread = start(given, events);
      threads.push(thread);
      return thread;
    },
  });
  t.after(() => pool.stop());
  return { pool, threads, shared, said };
}

/** Sends a thread what is no batch: it dies of that, after what it was sent before. */
export const kill = (thread: SigningThread | undefined): void => thread?.post(new Uint8Array(1));

/** A library that counts what it is asked. */
export function counting(curve: Secp256k1) {
  const counts = { recover: 0, sign: 0 };
  const counted: Secp256k1 = {
    ...curve,
    recover: (...args) => {
      counts.recover++;
      return curve.recover(...args);
    },
    signRecoverable: (...args) => {
      counts.sign++;
      return curve.signRecoverable(...args);
    },
  };
  return { counts, counted };
}

/** So many messages, each signed by a user of its own. */
export const signedMessages = (count: number) =>
  Array.from({ length: count }, (_, n) => {
    const message = pseudoRandom('pool message', n);
    return { message, signature: signMessage(message, pseudoRandom('pool secret', n)) };
  });
