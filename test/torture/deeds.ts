import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { BitcoindRefused, BitcoindUnreachable } from '../../actors/bitcoind/rpc-errors.js';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { BlockHash } from '../../events/ids.js';
import type { Link, Miner } from '../stage/link.js';
import type { Ledger } from './ledger.js';
import type { Random } from './random.js';

/** How many channels are opened at once, and when. */
const CHANNELS = 80;
const TOO_FEW = 25;
/** Deeper than any reorg here, so that a funding transaction stays. */
const SAFE = 12;

const WEIGHTS = {
  'a block of the mempool': 4,
  'an empty block': 3,
  'breaches sent': 5,
  'a breach mined': 3,
  'breaches of nobody told': 6,
  'a breach mined with its penalty': 1,
  'a penalty mined by somebody else': 2,
  'a reorg': 4,
  'a reorg and back': 1,
  'a dispute that takes the place of another': 2,
  'two branches': 3,
} as const;

/** What happens on the chain. Each deed is one of `WEIGHTS`; one that a mishap interrupts is left as it is. */
export class Deeds {
  constructor(
    private readonly link: Link,
    private readonly ledger: Ledger,
    private readonly random: Random,
    private readonly tell: (what: string) => void,
  ) {}

  async run(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await this.#attempt();
      await sleep(this.random.between(50, 900), undefined, { signal: over }).catch(() => undefined);
    }
  }

  /** Opens channels, deep enough that no reorg closes them; both bitcoinds have to be up. */
  async openChannels(): Promise<void> {
    const { a } = this.link;
    const channels = await openChannels(a.chain, CHANNELS);
    await a.chain.mine(SAFE);
    await this.link.tend();
    for (const channel of channels) {
      const flawed = this.random.chance(0.05);
      const breach = buildBreach(channel, flawed ? { flaw: 'creates-money' } : {});
      this.ledger.fresh.push({ breach, flawed });
      if (!this.random.chance(0.3)) continue;
      const rival = buildBreach(channel);
      this.ledger.fresh.push({ breach: rival, flawed: false });
      this.ledger.rivals.set(breach, rival).set(rival, breach);
    }
    this.ledger.count('channels', channels.length);
  }

  async #attempt(): Promise<void> {
    try {
      if (this.link.up.length === 0) return;
      await this.link.tend();
      if (this.ledger.fresh.length < TOO_FEW && this.link.a.victim.up) await this.openChannels();
      const { up } = this.link; // by now it may be none
      if (up.length === 0) return;
      const deed = this.random.weighted(WEIGHTS);
      await this.#do(deed, this.random.oneOf(up));
      this.ledger.count(deed);
      this.tell(deed);
    } catch (error) {
      if (!(error instanceof BitcoindUnreachable || error instanceof BitcoindRefused)) throw error;
      this.ledger.count('deeds interrupted');
      this.tell(`interrupted: ${error.message}`);
    }
  }

  async #do(deed: keyof typeof WEIGHTS, miner: Miner): Promise<unknown> {
    const { random } = this;
    switch (deed) {
      case 'a block of the mempool':
        return miner.chain.mine(random.between(1, 2));
      case 'an empty block':
        return miner.chain.mineOnly();
      case 'breaches sent':
        for (const { disputeTx } of this.#begin(random.between(1, 4))) await miner.chain.send(disputeTx);
        return random.chance(0.7) && miner.chain.mine();
      case 'a breach mined':
        return miner.chain.mineOnly(this.#begin(1).map(({ disputeTx }) => disputeTx));
      case 'breaches of nobody told':
        return this.#late(miner);
      case 'a breach mined with its penalty':
        return miner.chain.mineOnly(this.#begin(1).flatMap(({ disputeTx, penaltyTx }) => [disputeTx, penaltyTx]));
      case 'a penalty mined by somebody else': {
        const begun = [...this.ledger.begun.values()];
        const breach = begun.length > 0 ? random.oneOf(begun.slice(-10)) : undefined;
        return breach && miner.chain.mineOnly([breach.penaltyTx]);
      }
      case 'a reorg':
        return this.#reorg(miner);
      case 'a reorg and back':
        return this.#reorgAndBack(miner);
      case 'a dispute that takes the place of another':
        return this.#replace(miner);
      case 'two branches':
        return this.#twoBranches();
    }
  }

  /** Takes so many of the disputes that are watched for, if there are. */
  #begin(count: number): Breach[] {
    const taken: Breach[] = [];
    for (let i = 0; i < count; i++) {
      const breach = this.random.takeFrom(this.ledger.watched);
      if (!breach) break;
      this.#note(breach);
      taken.push(breach);
    }
    return taken;
  }

  #note(breach: Breach): void {
    this.ledger.begun.set(breach.disputeTxid, breach);
    this.ledger.count('breaches');
  }

  /** A dispute is mined before its client tells the tower, up to five blocks before. */
  async #late(miner: Miner): Promise<void> {
    const next = this.random.takeFrom(this.ledger.fresh);
    if (!next) return;
    this.#note(next.breach);
    await miner.chain.mineOnly([next.breach.disputeTx]);
    for (let i = this.random.below(6); i > 0; i--) await miner.chain.mineOnly();
    if (!next.flawed) this.ledger.late.push(next.breach);
  }

  async #reorg(miner: Miner): Promise<BlockHash> {
    const depth = this.random.between(1, 5);
    const left = await this.#blockAt(miner, depth);
    this.tell(`a reorg of depth ${depth} at ${miner.victim.name}`);
    await this.link.invalidate(miner, left);
    // What was in the blocks is in the mempool now: it is mined again at another height, or not at all for a while.
    const mine = () => (this.random.chance(0.5) ? miner.chain.mineOnly() : miner.chain.mine());
    for (let i = 0; i <= depth; i++) await mine();
    await this.link.reconsider(miner, left);
    this.ledger.count('reorgs');
    return left;
  }

  async #reorgAndBack(miner: Miner): Promise<void> {
    const height = await miner.chain.height();
    const first = await this.#reorg(miner);
    const depth = (await miner.chain.height()) - height;
    const other = await this.#blockAt(miner, depth + 1);
    if (other === first) return;
    await sleep(this.random.below(300));
    await this.link.invalidate(miner, other);
    for (let i = 0; i < 2; i++) await miner.chain.mineOnly();
    await this.link.reconsider(miner, other);
    this.ledger.count('reorgs');
  }

  /** A dispute is mined; then a reorg puts another commitment of the same channel in its place, which is for ever. */
  async #replace(miner: Miner): Promise<void> {
    const first = this.ledger.watched.find((breach) => this.#rivalOf(breach));
    const rival = first && this.#rivalOf(first);
    if (!first || !rival) return;
    for (const breach of [first, rival]) {
      this.ledger.watched.splice(this.ledger.watched.indexOf(breach), 1);
      this.#note(breach);
    }
    const block = await miner.chain.mineOnly([first.disputeTx]);
    const depth = this.random.between(0, 3);
    for (let i = 0; i < depth; i++) await miner.chain.mineOnly();
    await sleep(this.random.below(1_500));
    await this.link.invalidate(miner, block);
    await miner.chain.mineOnly([rival.disputeTx]);
    for (let i = 0; i <= depth; i++) await miner.chain.mineOnly();
    await this.link.reconsider(miner, block);
    this.ledger.count('reorgs');
  }

  #rivalOf(breach: Breach): Breach | undefined {
    const rival = this.ledger.rivals.get(breach);
    return rival && this.ledger.watched.includes(rival) ? rival : undefined;
  }

  /** Each bitcoind mines a branch of its own, with other breaches; then the longer one wins. */
  async #twoBranches(): Promise<void> {
    const { random, link } = this;
    if (link.up.length < 2) return;
    const depth = random.between(1, 5);
    const [short, long] = random.chance(0.5) ? [link.a, link.b] : [link.b, link.a];
    await link.part();
    try {
      const breaches = this.#begin(2).map(({ disputeTx }) => disputeTx);
      for (let i = 0; i < depth; i++) await short.chain.mineOnly(breaches.splice(0, 1));
      await sleep(random.below(1_000));
      const others = this.#begin(2).map(({ disputeTx }) => disputeTx);
      for (let i = 0; i <= depth; i++) await long.chain.mineOnly(others.splice(0, 1));
      await sleep(random.below(500));
    } finally {
      await link.tend();
    }
    this.ledger.count('reorgs');
  }

  /** The block at a depth: 1 is the tip. */
  async #blockAt(miner: Miner, depth: number): Promise<BlockHash> {
    const height = (await miner.chain.height()) - depth + 1;
    assert(height > 0);
    return BlockHash.parse(await miner.bitcoind.rpc.call('getblockhash', height));
  }
}
