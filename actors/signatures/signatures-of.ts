import type { NodeOptions } from '../node-options.js';
import { SignaturePool } from './signature-pool.js';

/** The threads that sign for a node, with all keys that it has. */
export const signaturesOf = ({ key, config, logger }: NodeOptions): SignaturePool =>
  new SignaturePool({
    copySecret: key.copySecret,
    identities: key.identities,
    threads: config.signatureThreads,
    log: logger.child({ actor: 'signatures' }),
  });
