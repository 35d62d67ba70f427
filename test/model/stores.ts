import type { BlockHash, Position, UserId } from '../../events/ids.js';
import { BlobDamagedError, type BlobStore, blobHash, type StoredBlob } from '../../events/log/blobs.js';
import type { TxidStore } from '../../events/log/txids.js';
import type { Wire } from './wire.js';

/** What the streams beside the log keep: encrypted blobs by position, and the txids of blocks. */
export class MemoryStores {
  readonly blobs = new Map<Position, Blob>();
  #positions = 0;
  readonly txids = new Map<BlockHash, Uint8Array>();

  hasBlob(position: Position, sha256: string): boolean {
    const blob = this.blobs.get(position);
    return blob !== undefined && blobHash(blob.bytes) === sha256;
  }

  putBlob(userId: UserId, bytes: Uint8Array): Position {
    this.#positions++;
    this.blobs.set(this.#positions, { position: this.#positions, userId, storedAt: Date.now(), bytes });
    return this.#positions;
  }
}

interface Blob extends StoredBlob {
  readonly bytes: Uint8Array;
}

const PAGE = 3;

export const blobStoreOf = (stores: MemoryStores, wire: Wire): Pick<BlobStore, keyof BlobStore> => ({
  put: (_shard, userId, blob) =>
    wire.carry('log', () => ({
      position: stores.putBlob(userId, blob),
      sha256: blobHash(blob),
      size: blob.length,
    })),
  get: (_shard, { position, sha256 }) =>
    wire.carry('log', () => {
      const blob = stores.blobs.get(position)?.bytes;
      if (blob && blobHash(blob) !== sha256) throw new BlobDamagedError(`the blob at ${position} is another`);
      return blob;
    }),
  expect: (_shard, position) => wire.carry('log', () => stores.blobs.get(position)?.bytes),
  count: () => wire.carry('log', () => stores.blobs.size),
  list: async function* (_shard, after) {
    for (let last = after; ; ) {
      const rest = () => Array.from(stores.blobs.values()).filter(({ position }) => position > last);
      const page = await wire.carry('log', () => rest().slice(0, PAGE));
      const end = page.at(-1);
      if (!end) return;
      yield page;
      last = end.position;
    }
  },
  erase: (_shard, position) =>
    wire.carry('log', () => {
      stores.blobs.delete(position);
    }),
});

export const txidStoreOf = ({ txids }: MemoryStores, wire: Wire): Pick<TxidStore, keyof TxidStore> => ({
  put: (hash, txidsInternal) => wire.carry('log', () => void txids.set(hash, txidsInternal)),
  get: (hash) => wire.carry('log', () => txids.get(hash)),
});
