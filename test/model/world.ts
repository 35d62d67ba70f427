import { createHash } from 'node:crypto';
import type { Accepted, Deleted, Refusal, Registered } from '../../actors/outcomes.js';
import type { Recorded } from '../../events/commit.js';
import type { UserId } from '../../events/ids.js';
import { schemeOf } from '../../events/schemes/schemes.js';
import type { Dialect } from '../../events/signing/receipts.js';
import type { ShardState } from '../../projections/shard-state.js';
import { userId } from '../fixtures/ids.js';
import { rewritten } from '../support/snapshots.js';
import { auditSent } from './audit-mempool.js';
import { Bitcoind } from './bitcoind.js';
import { type Block, BlockTree } from './block-tree.js';
import { Chance } from './chance.js';
import type { Setting } from './commands.js';
import { MemoryStreams } from './memory-log.js';
import { FIRST_HEIGHT, likeSignature, ModelNode } from './model-node.js';
import { Steps, StepWire } from './steps.js';
import { MemoryStores } from './stores.js';
import { disputeOf, offerOf } from './transactions.js';
import type { VirtualTime } from './virtual-time.js';

/** A commit, in the one order in which all of them were stored. */
export interface Stored {
  readonly at: number;
  readonly commit: Recorded;
}

/** What a node knew when it had folded so much, as text. */
export interface Sample {
  readonly node: string;
  readonly of: 'shard' | 'chain';
  readonly position: number;
  readonly state: string;
}

interface Client {
  readonly id: UserId;
  dialect: Dialect;
}

/** What a client was told, and holds the tower to. */
export interface Receipt {
  readonly userId: UserId;
  readonly granted: Accepted | Deleted | Registered;
}

const isGranted = (outcome: Receipt['granted'] | Refusal): outcome is Receipt['granted'] =>
  ['accepted', 'deleted', 'registered'].includes(outcome.kind);

/** More than any story takes: nodes that write so many contradict one another. */
const MOST_COMMITS = 5_000;

/** The world of one run: the chain, the bitcoinds, the clients, and the nodes of one tower. */
export class World {
  readonly steps: Steps;
  readonly streams = new MemoryStreams();
  readonly stores = new MemoryStores();
  readonly tree = new BlockTree();
  readonly bitcoinds: readonly Bitcoind[];
  readonly nodes: (ModelNode | undefined)[] = [];
  readonly wires: StepWire[] = [];
  readonly clients: readonly Client[];
  readonly receipts: Receipt[] = [];
  readonly stored: Stored[] = [];
  readonly samples: Sample[] = [];
  /** What no actor may ever do. */
  readonly failures: string[] = [];

  /** What a node that died had made of its shard: every other one is begun with again, in place of a replay. */
  readonly #snapshots = new Map<number, ShardState>();

  constructor(
    readonly setting: Setting,
    readonly time: VirtualTime,
  ) {
    this.steps = new Steps(new Chance(setting.seed));
    this.streams.onStored = (commit) => {
      this.stored.push({ at: this.stored.length, commit });
      if (this.stored.length > MOST_COMMITS) throw new Error(`no end of commits: ${JSON.stringify(commit)}`);
    };
    let tip: Block = this.tree.extend(undefined);
    while (tip.height < FIRST_HEIGHT) tip = this.tree.extend(tip);
    this.bitcoinds = Array.from({ length: setting.nodes }, () => new Bitcoind(this.tree, tip));
    for (const bitcoind of this.bitcoinds) bitcoind.onSent = (tx) => this.failures.push(...auditSent(this, tx));
    this.clients = (['alice', 'bob'] as const).map((name, n) => ({
      id: userId(name),
      dialect: n === 0 ? 'rust' : 'python',
    }));
  }

  /** A tower at work, with everybody registered. */
  static async begin(setting: Setting, time: VirtualTime): Promise<World> {
    time.forget();
    const world = new World(setting, time);
    world.steps.atOnce = true;
    for (let node = 0; node < setting.nodes; node++) world.start(node);
    await world.steps.finish();
    world.clients.forEach(({ dialect }, user) => {
      world.register(user, 0, dialect);
    });
    await world.steps.finish();
    world.steps.atOnce = false;
    return world;
  }

  bitcoind(node: number): Bitcoind {
    const found = this.bitcoinds[node % this.bitcoinds.length];
    if (!found) throw new RangeError(`no bitcoind ${node}`);
    return found;
  }

  start(node: number): void {
    const n = node % this.setting.nodes;
    if (this.nodes[n]) return;
    const wire = new StepWire(this.steps, n);
    this.wires[n] = wire;
    const { streams, stores } = this;
    const onFailure = (error: Error) => void this.failures.push(`node ${n} failed: ${error.stack}`);
    this.nodes[n] = new ModelNode({
      name: `n${n}`,
      wire,
      streams,
      stores,
      bitcoind: this.bitcoind(n),
      setting: this.setting,
      onFailure,
      state: this.#snapshots.get(n),
    });
  }

  crash(node: number, losing: boolean): void {
    const n = node % this.setting.nodes;
    const wire = this.wires[n];
    if (!this.nodes[n] || !wire) return;
    this.sample(n);
    this.#snapshots.delete(n);
    const state = this.nodes[n].shard?.fold.state;
    if (state && state.position % 2 === 1) this.#snapshots.set(n, rewritten(state));
    wire.isCut = true;
    this.steps.drop(wire, { alsoSent: losing });
    Object.assign(this.bitcoind(n), { onTip: () => {}, onAdded: () => {} });
    this.nodes[n] = undefined;
  }

  register(user: number, node: number, dialect: Dialect): void {
    const client = this.#client(user);
    const answer = this.#gatekeeper(node)?.register(client.id, dialect);
    this.#note(client, answer, () => {
      client.dialect = dialect;
    });
  }

  add(user: number, node: number, channel: number, version: number, variant: number): void {
    const client = this.#client(user);
    const offer = offerOf(schemeOf(client.dialect).name, disputeOf(channel, version), variant);
    const digest = createHash('sha256').update(client.id).update(offer.locator).update(offer.blob).digest('hex');
    const answer = this.#gatekeeper(node)?.addAppointment({
      came: performance.now(),
      userId: client.id,
      locator: offer.locator,
      blob: offer.blob,
      toSelfDelay: 42,
      userSignature: likeSignature(digest),
    });
    this.#note(client, answer);
  }

  delete(user: number, node: number, channel: number, version: number, named: boolean): void {
    const client = this.#client(user);
    const { locator } = offerOf(schemeOf(client.dialect).name, disputeOf(channel, version), 0);
    const last = this.receipts.findLast(
      ({ userId, granted }) => userId === client.id && granted.kind === 'accepted' && granted.locator === locator,
    );
    const receipt = (named && last?.granted.receiptSignature) || null;
    const digest = createHash('sha256').update(client.id).update(`delete ${locator} ${receipt}`).digest('hex');
    const userSignature = likeSignature(digest);
    const request = { userId: client.id, locator, receipt, userSignature, came: performance.now() };
    this.#note(client, this.#gatekeeper(node)?.deleteAppointment(request));
  }

  /** Remembers what a node knows just now, to be compared with what a replay makes of as much of the log. */
  sample(n: number): void {
    const node = this.nodes[n];
    if (!node?.shard) return;
    const name = `node ${n}`;
    const shard = node.shard.fold.state;
    const chain = node.chain.state;
    this.samples.push({ node: name, of: 'shard', position: shard.position, state: JSON.stringify(shard) });
    this.samples.push({ node: name, of: 'chain', position: chain.position, state: JSON.stringify(chain) });
  }

  #client(user: number): Client {
    const client = this.clients[user % this.clients.length];
    if (!client) throw new RangeError(`no client ${user}`);
    return client;
  }

  #gatekeeper(node: number) {
    return this.nodes[node % this.setting.nodes]?.shard?.gatekeeper;
  }

  #note(
    { id: userId }: Client,
    answer: Promise<Accepted | Deleted | Registered | Refusal> | undefined,
    onGranted: () => void = () => {},
  ): void {
    answer?.then(
      (outcome) => {
        if (!isGranted(outcome)) return;
        this.receipts.push({ userId, granted: outcome });
        onGranted();
      },
      (error) => {
        if (error?.code !== 'log-unavailable') this.failures.push(`a request failed: ${error?.stack}`);
      },
    );
  }
}
