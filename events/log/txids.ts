import type { BlockHash } from '../ids.js';
import { isApiError, NO_MESSAGE_FOUND } from './api-errors.js';
import { LogUnavailableError } from './errors.js';
import type { EventLog } from './log.js';
import { TXIDS } from './streams.js';

/** The txids of recent blocks: 32 bytes each in internal order, in the block's order, one message a block. */

const REQUEST_MS = 2_000;

export class TxidStore {
  constructor(private readonly log: EventLog) {}

  /** Publishes a block's txids and waits for the ack. Publishing them twice, or from two nodes, is harmless. Rejects with `LogUnavailableError`. */
  async put(hash: BlockHash, txidsInternal: Uint8Array): Promise<void> {
    try {
      await this.log.nc.jetstream().publish(`argus.txids.${hash}`, txidsInternal, { timeout: REQUEST_MS });
    } catch (cause) {
      throw new LogUnavailableError('the txids of a block could not be published', { cause });
    }
  }

  /** A block's txids; undefined if they are older than the window or were never published. Rejects with `LogUnavailableError`. */
  async get(hash: BlockHash): Promise<Uint8Array | undefined> {
    try {
      return (await this.log.jsm.streams.getMessage(TXIDS, { last_by_subj: `argus.txids.${hash}` })).data;
    } catch (error) {
      if (isApiError(error, NO_MESSAGE_FOUND)) return undefined;
      throw new LogUnavailableError('the txids of a block could not be read', { cause: error });
    }
  }
}
