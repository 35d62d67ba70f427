import { reversed } from '../../events/bytes.js';

/**
 * What bitcoind publishes as `sequence` over ZMQ (bitcoind's `doc/zmq.md`), as far as the mempool is concerned. Pure.
 *
 *   frames: "sequence" | 32-byte hash, display order; one letter; for A and R 8 bytes, the mempool's sequence, LE | 4-byte counter, LE
 */
export type SequenceEvent =
  | {
      /** A: the mempool took a transaction. R: it left the mempool, but not into a block. */
      readonly kind: 'added' | 'removed';
      /** 32 bytes, internal order. */
      readonly txidInternal: Uint8Array;
      /** Counts the mempool's changes, also those by blocks, of which no message tells. */
      readonly sequence: number;
    }
  /** C or D: a block was connected or disconnected. */
  | { readonly kind: 'block' };

export interface SequenceMessage {
  readonly event: SequenceEvent;
  /** Counts the messages of the topic since bitcoind started, modulo 2^32. */
  readonly counter: number;
}

const KINDS: Readonly<Record<string, 'added' | 'removed' | 'block'>> = {
  A: 'added',
  R: 'removed',
  C: 'block',
  D: 'block',
};

/** The message in ZMQ's frames; undefined for what is none, such as a kind that a later bitcoind may add. */
export function readSequence([topic, body, counter]: readonly Buffer[]): SequenceMessage | undefined {
  if (topic?.toString('latin1') !== 'sequence' || !body || body.length < 33 || counter?.length !== 4) return undefined;
  const kind = KINDS[body.toString('latin1', 32, 33)];
  if (!kind) return undefined;
  const meta = { counter: counter.readUInt32LE() };
  if (kind === 'block') return { event: { kind }, ...meta };
  if (body.length !== 41) return undefined;
  const txidInternal = reversed(body.subarray(0, 32));
  return { event: { kind, txidInternal, sequence: Number(body.readBigUInt64LE(33)) }, ...meta };
}

/** What was heard last; undefined before the first message of a connection. */
export interface LastHeard {
  readonly counter: number;
  readonly sequence: number;
}

/**
 * Whether a message is the next after what was heard last. If not, messages were lost, or bitcoind started anew. Of the
 * mempool's sequence it is only known that it grows: blocks move it on without a message.
 */
export const follows = ({ counter, event }: SequenceMessage, last: LastHeard | undefined): boolean =>
  last !== undefined &&
  counter === (last.counter + 1) % 2 ** 32 &&
  (event.kind === 'block' || event.sequence > last.sequence);

export const heard = ({ counter, event }: SequenceMessage, last: LastHeard | undefined): LastHeard => ({
  counter,
  sequence: event.kind === 'block' ? (last?.sequence ?? -1) : event.sequence,
});
