import { toHex, utf8 } from '../../events/bytes.js';
import type { Succession } from '../../events/identity.js';
import type { BlockHash, Height } from '../../events/ids.js';
import { BlockWindow, type WindowBlock } from '../block-window.js';
import type { Parts } from './frame.js';

/**
 * The best chain in a snapshot: one section, `blocks`, of 76 bytes a block, the lowest first.
 *
 *    32  hash, display order     32  chainwork, big-endian
 *     4  height                   8  position of its commit (integers, little-endian)
 *
 * And `successions`, JSON, where the tower has had more than one identity.
 */
const BYTES = 76;
const [WORK, HEIGHT, POSITION] = [32, 64, 68];

export function partsOfChain(window: BlockWindow): Parts<readonly Uint8Array[]> {
  const blocks = window.from(0);
  const bytes = Buffer.alloc(BYTES * blocks.length);
  blocks.forEach(({ hash, chainwork, height, position }, n) => {
    const at = BYTES * n;
    bytes.write(hash, at, 'hex');
    bytes.write(chainwork, at + WORK, 'hex');
    bytes.writeUInt32LE(height, at + HEIGHT);
    bytes.writeBigUInt64LE(BigInt(position), at + POSITION);
  });
  const { successions } = window;
  const later = successions.length > 0 ? [['successions', [utf8(JSON.stringify(successions))]] as const] : [];
  return { numbers: {}, sections: new Map<string, readonly Uint8Array[]>([['blocks', [bytes]], ...later]) };
}

/** The window at a position, from what `partsOfChain` made of it. */
export const chainOfParts = (position: number, { sections }: Parts<Uint8Array>): BlockWindow =>
  new BlockWindow(
    position,
    readBlocks(sections.get('blocks') ?? new Uint8Array()),
    readSuccessions(sections.get('successions')),
  );

const readSuccessions = (section: Uint8Array | undefined): readonly Succession[] =>
  section ? JSON.parse(new TextDecoder().decode(section)) : [];

function* readBlocks(section: Uint8Array): Generator<WindowBlock> {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  for (let at = 0; at < section.length; at += BYTES)
    yield {
      height: view.getUint32(at + HEIGHT, true) as Height,
      hash: toHex(section.subarray(at, at + WORK)) as BlockHash,
      chainwork: toHex(section.subarray(at + WORK, at + HEIGHT)),
      position: Number(view.getBigUint64(at + POSITION, true)),
    };
}
