import type { BlockConnected, BlockRef } from '../../events/chain.js';
import type { ChainCommit, Recorded } from '../../events/commit.js';
import { type IdentityRotated, isSigned } from '../../events/identity.js';
import type { BlockHash, Height, TowerId } from '../../events/ids.js';
import type { TowerImported } from '../../events/import.js';
import type { Complain } from './findings.js';

/** A block that the log ever called a part of the best chain. */
export interface KnownBlock {
  readonly height: Height;
  readonly prevHash: BlockHash;
  readonly chainwork: string;
  readonly time: number;
  readonly txCount: number;
  /** The positions in `CHAIN` at which it was connected. */
  readonly connectedAt: number[];
  /** How often it was taken back. */
  disconnected: number;
}

/** As it is saved between two audits. */
export interface SavedChain {
  readonly blocks: readonly (readonly [BlockHash, KnownBlock])[];
  readonly best: readonly BlockHash[];
  readonly firstTimes: readonly (readonly [number, number])[];
  readonly outweigh: string | null;
  /** Those after the first. */
  readonly identities?: readonly TowerId[];
  readonly imported?: TowerImported | undefined;
}

/** A reorg of so many bytes may go on in the next commit: no message holds it (NATS takes 1 MiB). */
const OVERSIZED = 900_000;

/**
 * The chain as the log tells it, and whether it was told as the ChainMonitor tells it: block on block, with more work from one
 * to the next, and taken back only for a branch that outweighs what it takes back.
 */
export class ChainRecord {
  readonly #blocks: Map<BlockHash, KnownBlock>;
  readonly #best: BlockHash[];
  /** When a height was first reached, by the clock of the node that said so. */
  readonly #firstTimes: Map<number, number>;
  /** The work that an unfinished reorg has to outweigh. */
  #outweigh: string | null;

  /** The tower's identities, in their order. */
  readonly identities: TowerId[];
  #imported: TowerImported | undefined;

  /** `towerId`: the identity that the log is called by. */
  constructor(towerId: TowerId, saved?: SavedChain) {
    this.identities = [towerId, ...(saved?.identities ?? [])];
    this.#blocks = new Map(saved?.blocks);
    this.#best = [...(saved?.best ?? [])];
    this.#firstTimes = new Map(saved?.firstTimes);
    this.#outweigh = saved?.outweigh ?? null;
    this.#imported = saved?.imported;
  }

  /** What the log says of another tower that it goes on with. */
  get imported(): TowerImported | undefined {
    return this.#imported;
  }

  save(): SavedChain {
    return {
      blocks: [...this.#blocks],
      best: this.#best,
      firstTimes: [...this.#firstTimes],
      outweigh: this.#outweigh,
      identities: this.identities.slice(1),
      ...(this.#imported && { imported: this.#imported }),
    };
  }

  block(hash: BlockHash): KnownBlock | undefined {
    return this.#blocks.get(hash);
  }

  blocks(): Iterable<[BlockHash, KnownBlock]> {
    return this.#blocks;
  }

  isBest(hash: BlockHash): boolean {
    const block = this.#blocks.get(hash);
    return block !== undefined && block.connectedAt.length > block.disconnected;
  }

  /** When the log first knew of a block of this height, in ms; undefined if it never did. */
  firstTime(height: number): number | undefined {
    return this.#firstTimes.get(height);
  }

  /** The first height that the log told of. */
  get lowest(): number {
    const [first = 0] = this.#firstTimes.keys();
    return first;
  }

  /** Says what is wrong with a block that an event names; undefined if it is one of the log's. */
  wrongWith({ hash, height }: BlockRef): string | undefined {
    const block = this.#blocks.get(hash);
    if (!block) return `block ${hash} is not one of the chain that the log tells`;
    return block.height === height ? undefined : `block ${hash} is at height ${block.height}, not ${height}`;
  }

  apply(commit: Recorded<ChainCommit>, time: number, bytes: number, complain: Complain): void {
    const tip = this.#tip();
    for (const event of commit.events) {
      if (event.type === 'BlockConnected') this.#connect(event, commit.position, time, complain);
      else if (event.type === 'IdentityRotated') this.#succeed(event, complain);
      else if (event.type === 'TowerImported') this.#import(event, complain);
      else this.#disconnect(event, complain);
    }
    const before = this.#outweigh ?? tip?.chainwork ?? null;
    const isReorg = this.#outweigh !== null || commit.events.some(({ type }) => type === 'BlockDisconnected');
    const after = this.#tip();
    if (!isReorg || before === null) return;
    if (after && BigInt(`0x${after.chainwork}`) > BigInt(`0x${before}`)) this.#outweigh = null;
    else if (bytes >= OVERSIZED) this.#outweigh = before;
    else {
      this.#outweigh = null;
      complain('reorg', 'blocks are taken back for a branch that has no more work than they had');
    }
  }

  #tip(): KnownBlock | undefined {
    const hash = this.#best.at(-1);
    return hash && this.#blocks.get(hash);
  }

  #connect(event: BlockConnected, position: number, time: number, complain: Complain): void {
    const { hash, prevHash, height, chainwork } = event;
    const tip = this.#tip();
    if (tip && (this.#best.at(-1) !== prevHash || height !== tip.height + 1))
      complain('chain', `block ${hash} at height ${height} does not stand on the tip, at height ${tip.height}`);
    if (tip && BigInt(`0x${chainwork}`) <= BigInt(`0x${tip.chainwork}`))
      complain('chain', `block ${hash} has no more work than the one before it`);
    const known = this.#blocks.get(hash);
    if (known) {
      if (known.height !== height || known.prevHash !== prevHash || known.chainwork !== chainwork)
        complain('chain', `block ${hash} is told otherwise than when it was connected before`);
      if (this.isBest(hash)) complain('chain', `block ${hash} is connected twice`);
      known.connectedAt.push(position);
    } else {
      const { time: headerTime, txCount } = event;
      const connectedAt = [position];
      this.#blocks.set(hash, { height, prevHash, chainwork, time: headerTime, txCount, connectedAt, disconnected: 0 });
    }
    if (!this.#firstTimes.has(height)) this.#firstTimes.set(height, time);
    this.#best.push(hash);
  }

  /** Before anything else: a tower that has seen a block, or has another identity, is none that could take another's place. */
  #import(event: TowerImported, complain: Complain): void {
    if (this.#imported || this.#blocks.size > 0 || this.identities.length > 1)
      complain('import', 'another tower is imported into one that had begun');
    this.#imported ??= event;
  }

  /** Both keys sign the statement, and it goes on from the identity in force. */
  #succeed({ type: _, ...succession }: IdentityRotated, complain: Complain): void {
    const { from, to } = succession;
    const last = this.identities.at(-1);
    if (!isSigned(succession)) complain('identity', `that ${to} succeeds ${from} is not signed by both`);
    else if (from !== last) complain('identity', `${to} succeeds ${from}, while ${last} is in force`);
    else if (this.identities.includes(to)) complain('identity', `${to} was an identity of the tower before`);
    else this.identities.push(to);
  }

  #disconnect({ hash, height }: BlockRef, complain: Complain): void {
    const tip = this.#tip();
    if (!tip || this.#best.at(-1) !== hash || tip.height !== height) {
      complain('chain', `block ${hash} at height ${height} is taken back and is not the tip`);
      return;
    }
    this.#best.pop();
    tip.disconnected++;
  }
}
