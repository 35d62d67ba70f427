import { CHAIN } from '../../events/log/streams.js';
import type { ChainRecord, KnownBlock } from './chain-record.js';
import type { Finding } from './findings.js';

/** A transaction that a block is said to hold, and where that is said. */
export interface MinedClaim {
  readonly position: number;
  readonly txid: string;
  readonly block: string;
  readonly what: string;
}

/** What somebody other than the tower knows of a block's header; what is undefined it does not know. */
export interface WitnessedHeader {
  readonly prevHash: string;
  readonly time: number;
  readonly height: number | undefined;
  /** Of all blocks up to this one, hex as bitcoind gives it. */
  readonly chainwork: string | undefined;
  /** Of this block alone. */
  readonly work: bigint | undefined;
  readonly txCount: number | undefined;
}

/** Somebody other than the tower who knows the chain. */
export interface ChainWitness {
  /** The headers of blocks; undefined for one that it does not know. Rejects if it cannot be asked. */
  headers(hashes: readonly string[]): Promise<readonly (WitnessedHeader | undefined)[]>;
  /** The txids of a block; undefined if it does not have the block any more. Without it nobody knows them. */
  txids?(hash: string): Promise<ReadonlySet<string> | undefined>;
  /** The height of its own tip, if it knows every block up to there: one far below it that it does not know is none. */
  readonly height: number | undefined;
}

/** The same, whose answers are waited for until the signal is aborted and no longer: it rejects with its reason then. */
export function interruptible(witness: ChainWitness, signal: AbortSignal): ChainWitness {
  const { height } = witness;
  const headers: ChainWitness['headers'] = (hashes) => unlessAborted(() => witness.headers(hashes), signal);
  if (!witness.txids) return { height, headers };
  return { height, headers, txids: (hash) => unlessAborted(async () => witness.txids?.(hash), signal) };
}

/** What `act` comes to; rejects with the signal's reason as soon as it is aborted. */
export async function unlessAborted<T>(act: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([act(), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

export interface ChainCounts {
  blocks: number;
  blocks_unknown: number;
  transactions: number;
  transactions_unread: number;
}

const AT_ONCE = 500;
/** So many blocks below a tip nobody is on another branch for long. */
const SETTLED = 6;

/** Compares every block that the log tells of with what a witness knows. */
export async function checkHeaders(
  record: ChainRecord,
  witness: ChainWitness,
  counts: ChainCounts,
  found: (finding: Finding) => void,
): Promise<void> {
  const blocks = Array.from(record.blocks());
  for (let at = 0; at < blocks.length; at += AT_ONCE) {
    const some = blocks.slice(at, at + AT_ONCE);
    const headers = await witness.headers(some.map(([hash]) => hash));
    for (const [i, [hash, block]] of some.entries()) {
      const header = headers[i];
      const wrong = header
        ? wrongHeader(block, header, record)
        : record.isBest(hash) && block.height <= (witness.height ?? 0) - SETTLED
          ? `no such block is known at height ${witness.height}`
          : undefined;
      if (header) counts.blocks++;
      else counts.blocks_unknown++;
      if (wrong === undefined) continue;
      const position = block.connectedAt[0] ?? 0;
      found({ stream: CHAIN, position, what: 'header', why: `block ${hash} at height ${block.height}: ${wrong}` });
    }
  }
}

function wrongHeader(block: KnownBlock, header: WitnessedHeader, record: ChainRecord): string | undefined {
  const { height, chainwork, work, txCount } = header;
  if (header.prevHash !== block.prevHash) return `it stands on ${header.prevHash}, not on ${block.prevHash}`;
  if (header.time !== block.time) return `its time is ${header.time}, not ${block.time}`;
  if (height !== undefined && height !== block.height) return `its height is ${height}`;
  if (txCount !== undefined && txCount !== block.txCount) return `it has ${txCount} transactions, not ${block.txCount}`;
  if (chainwork !== undefined && chainwork !== block.chainwork) return `its chainwork is ${chainwork}`;
  const parent = record.block(block.prevHash);
  if (work === undefined || !parent) return undefined;
  const added = BigInt(`0x${block.chainwork}`) - BigInt(`0x${parent.chainwork}`);
  return added === work ? undefined : `its own work is ${work}, not ${added}`;
}

/** Looks for every transaction that a block is said to hold. */
export async function checkClaims(
  stream: string,
  claims: readonly MinedClaim[],
  witness: ChainWitness,
  counts: ChainCounts,
  found: (finding: Finding) => void,
): Promise<void> {
  const byBlock = new Map<string, MinedClaim[]>();
  for (const claim of claims) byBlock.set(claim.block, [...(byBlock.get(claim.block) ?? []), claim]);
  for (const [block, some] of byBlock) {
    const txids = await witness.txids?.(block);
    if (!txids) {
      counts.transactions_unread += some.length;
      continue;
    }
    counts.transactions += some.length;
    for (const { position, txid, what } of some)
      if (!txids.has(txid))
        found({ stream, position, what: 'mined', why: `${what}, ${txid}, is not in block ${block}` });
  }
}
