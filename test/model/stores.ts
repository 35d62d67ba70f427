import type { BlockHash, Position } from '../../events/ids.js';
import { BlobDamagedError, type BlobStore, blobHash } from '../../events/log/blobs.js';
import type { TxidStore } from '../../events/log/txids.js';
import type { Wire } from './wire.js';

/** What the streams beside the log keep: encrypted blobs by position, and the txids of blocks. */
export class MemoryStores {
  readonly blobs: (Uint8Array | undefined)[] = [];
  readonly txids = new Map<BlockHash, Uint8Array>();

  hasBlob(position: Position, sha256: string): boolean {
    const blob = this.blobs[position - 1];
    return blob !== undefined && blobHash(blob) === sha256;
  }
}

export const blobStoreOf = ({ blobs }: MemoryStores, wire: Wire): Pick<BlobStore, keyof BlobStore> => ({
  put: (_shard, _userId, blob) =>
    wire.carry('log', () => ({ position: blobs.push(blob), sha256: blobHash(blob), size: blob.length })),
  get: (_shard, { position, sha256 }) =>
    wire.carry('log', () => {
      const blob = blobs[position - 1];
      if (blob && blobHash(blob) !== sha256) throw new BlobDamagedError(`the blob at ${position} is another`);
      return blob;
    }),
  erase: (_shard, position) =>
    wire.carry('log', () => {
      blobs[position - 1] = undefined;
    }),
});

export const txidStoreOf = ({ txids }: MemoryStores, wire: Wire): Pick<TxidStore, keyof TxidStore> => ({
  put: (hash, txidsInternal) => wire.carry('log', () => void txids.set(hash, txidsInternal)),
  get: (hash) => wire.carry('log', () => txids.get(hash)),
});
