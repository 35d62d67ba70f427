import { BitcoindRefused, BitcoindUnreachable } from '../../actors/bitcoind/rpc-errors.js';
import type { BlockSource } from '../../actors/chain-monitor/block-source.js';
import type { Header } from '../../actors/chain-monitor/decisions.js';
import { networks } from '../../actors/chain-monitor/networks.js';
import type { PenaltyCarrier, PenaltyVerdict } from '../../actors/responder/attempts.js';
import type { BlockHash, Txid } from '../../events/ids.js';
import { ancestor, type Block, type BlockTree, isMinable, isMined, isOn, rawOf } from './block-tree.js';
import { byRaw, bySpent, outpointOf, type Tx } from './transactions.js';
import type { Wire } from './wire.js';

/** One bitcoind: the chain that it takes for the best, and its mempool. */
export class Bitcoind {
  mempool: Tx[] = [];
  isAway = false;
  /** Whether it takes no penalty for its fee, unless together with its dispute. */
  isChoosy = false;
  /** Whether it refuses penalties for a reason that nobody ever heard of. */
  isObscure = false;
  /** Blocks of which it keeps only the headers. */
  pruned: ReadonlySet<Block> = new Set();
  /** Whether it was ever away: then it saw transactions that nobody was told of. */
  wasAway = false;
  /** How often it was started anew. */
  runs = 0;
  /** The tip of the branch that it left last. */
  left: Block | undefined;
  /** Hears of each new tip. */
  onTip: (hash: BlockHash) => void = () => {};
  /** Hears of each transaction that is new to the mempool. */
  onAdded: (tx: Tx) => void = () => {};
  /** Hears of each transaction that it is sent. */
  onSent: (tx: Tx) => void = () => {};

  constructor(
    readonly tree: BlockTree,
    public tip: Block,
  ) {}

  /** A block that it hears of; it moves to one with more work, and what falls out of its chain is wanted again. */
  hear(block: Block): void {
    if (block.work <= this.tip.work) return;
    const fallen: Tx[] = [];
    for (let at: Block | undefined = this.tip; at && !isOn(at, block); at = at.prev) fallen.unshift(...at.txs);
    if (!isOn(this.tip, block)) this.left = this.tip;
    this.tip = block;
    this.#sift([...fallen, ...this.mempool]);
    this.onTip(block.hash);
  }

  /** It keeps no blocks but the last few. */
  prune(): void {
    const pruned = new Set(this.pruned);
    for (let block = ancestor(this.tip, this.tip.height - KEPT); block; block = block.prev) pruned.add(block);
    this.pruned = pruned;
  }

  restart(): void {
    this.runs++;
    this.mempool = [];
  }

  /** A block whose data it has. */
  data(hash: BlockHash): Block | undefined {
    const block = this.tree.get(hash);
    return block && !this.pruned.has(block) ? block : undefined;
  }

  isUnspent(txid: Txid, vout: number): boolean {
    const spender = bySpent.get(outpointOf(txid, vout));
    if (!spender) throw new TypeError(`nothing of this world spends ${txid}:${vout}`);
    return !this.tip.spent.has(spender.spends) && (!spender.parent || isMined(spender.parent, this.tip));
  }

  /** Whether a transaction is in the mempool afterwards. */
  take(tx: Tx): boolean {
    if (this.mempool.includes(tx)) return true;
    this.#sift([...this.mempool, tx]);
    return this.mempool.includes(tx);
  }

  /** Keeps what can be mined, a parent before its child; of rivals the first. */
  #sift(wanted: readonly Tx[]): void {
    const kept: Tx[] = [];
    for (const tx of wanted) {
      const isReady = isMinable(tx, this.tip) || (!tx.invalid && tx.parent && kept.includes(tx.parent));
      if (isReady && !kept.some(({ spends }) => spends === tx.spends)) kept.push(tx);
    }
    const added = kept.filter((tx) => !this.mempool.includes(tx));
    this.mempool = kept;
    for (const tx of added) this.onAdded(tx);
  }

  broadcast(tx: Tx, parent: Tx | undefined): PenaltyVerdict {
    for (const sent of parent ? [parent, tx] : [tx]) this.onSent(sent);
    const refuse = (kind: 'inputs-missing-or-spent' | 'policy' | 'invalid' | 'unknown', detail: string) => ({
      kind,
      detail,
    });
    if (isMined(tx, this.tip)) return { kind: 'already-mined' };
    if (this.mempool.includes(tx)) return { kind: 'accepted' };
    if (this.isObscure && tx.parent) return refuse('unknown', '-1');
    if (tx.invalid) return refuse('invalid', '-26 bad-txns-in-belowout');
    if (this.tip.spent.has(tx.spends)) return refuse('inputs-missing-or-spent', '-25');
    if (this.isChoosy && tx.parent && !parent) return refuse('policy', '-26 min relay fee not met');
    if (parent) this.take(parent);
    if (this.take(tx)) return { kind: 'accepted' };
    return this.mempool.some(({ spends }) => spends === tx.spends)
      ? refuse('policy', '-26 txn-mempool-conflict')
      : refuse('inputs-missing-or-spent', '-25');
  }

  find(txid: Txid, blockHash: BlockHash | undefined): string | undefined {
    const among = [...((blockHash && this.data(blockHash)?.txs) ?? []), ...this.mempool];
    return among.find(({ id }) => id === txid)?.rawTx;
  }
}

/** How many blocks a bitcoind that prunes keeps. */
const KEPT = 2;

/** The Carrier's face of a bitcoind, over a wire. */
export const carrierOf = (bitcoind: Bitcoind, wire: Wire): PenaltyCarrier => ({
  broadcast: (rawTx, parentRawTx) =>
    ask(bitcoind, wire, () => {
      const tx = byRaw.get(rawTx);
      if (!tx) throw new TypeError(`what was broadcast is no transaction of this world: ${rawTx}`);
      return bitcoind.broadcast(tx, parentRawTx === undefined ? undefined : byRaw.get(parentRawTx));
    }),
  rawTransaction: (txid, block) => ask(bitcoind, wire, () => bitcoind.find(txid, block)),
  isUnspentInChain: (txid, vout) => ask(bitcoind, wire, () => bitcoind.isUnspent(txid, vout)),
  rawBlock: (hash) =>
    ask(bitcoind, wire, () => {
      const block = bitcoind.data(hash);
      return block && rawOf(block);
    }),
});

/** The ChainMonitor's face of a bitcoind, over a wire. */
export function blockSourceOf(bitcoind: Bitcoind, wire: Wire): Pick<BlockSource, keyof BlockSource> {
  const blockOf = (hash: BlockHash) => {
    const { txs, txidsInternal, height, ...header } = known(bitcoind.tree.get(hash));
    const connected = { ...headerOf({ txs, txidsInternal, height, ...header }), time: 0, txCount: txs.length + 1 };
    const isThere = bitcoind.data(hash) !== undefined;
    return {
      connected: { type: 'BlockConnected' as const, ...connected, height },
      txidsInternal: isThere ? txidsInternal : undefined,
    };
  };
  return {
    genesis: () => ask(bitcoind, wire, () => networks.regtest.genesis as BlockHash),
    version: () => ask(bitcoind, wire, () => 290_100),
    bestHash: () => ask(bitcoind, wire, () => bitcoind.tip.hash),
    uptime: () => ask(bitcoind, wire, () => Date.now() / 1000 - bitcoind.runs * 1000),
    hashesAt: (heights) =>
      ask(bitcoind, wire, () => heights.map((height) => known(ancestor(bitcoind.tip, height)).hash)),
    block: (hash) => ask(bitcoind, wire, () => blockOf(hash)),
    blocks: (hashes) => ask(bitcoind, wire, () => hashes.map(blockOf)),
    archivePeers: () => ask(bitcoind, wire, () => []),
    askPeer: () => ask(bitcoind, wire, () => false),
  };
}

const ask = <T>(bitcoind: Bitcoind, wire: Wire, answer: () => T): Promise<T> =>
  wire.carry('bitcoind', () => {
    if (bitcoind.isAway) throw new BitcoindUnreachable('away');
    return answer();
  });

function known(block: Block | undefined): Block {
  if (!block) throw new BitcoindRefused(-5, 'Block not found');
  return block;
}

const headerOf = ({ hash, prev, height, work }: Block): Header => ({
  hash,
  prevHash: prev?.hash ?? ('0'.repeat(64) as BlockHash),
  height,
  chainwork: work.toString(16).padStart(64, '0'),
});
