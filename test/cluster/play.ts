import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import type { TestContext } from 'node:test';
import type { Courier } from '../../actors/client/courier.js';
import { overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, type Channel, openChannels } from '../../cli/demo/channel.js';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';
import { TowerId } from '../../events/ids.js';
import { Dialect } from '../../events/signing/receipts.js';
import type { Miner } from '../stage/link.js';
import { Operator } from '../stage/operator.js';
import { Stage, type StageOptions, type Ways } from '../stage/stage.js';
import { again } from '../support/again.js';
import { isInMempool } from '../support/tower.js';
import { until } from '../support/until.js';
import { Ending } from '../torture/ending.js';
import { Ledger } from '../torture/ledger.js';
import { Random } from '../torture/random.js';
import { type Deed, User } from '../torture/user.js';
import { retryingOnce } from './retry-once.js';

export interface PlayOptions extends Pick<StageOptions, 'natsSettings' | 'network'> {
  /** How many channels are opened; each is good for one breach. */
  readonly channels: number;
  readonly waysOf?: (name: string, bitcoind: Bitcoind) => Promise<Ways>;
}

/** What clients do all the time: no more breaches than the test itself brings about. */
const LOAD: Readonly<Partial<Record<Deed, number>>> = {
  'for a transaction that never comes': 5,
  updates: 1,
  resends: 2,
  questions: 1,
};
const CLIENTS_OF_EACH_DIALECT = 3;

/** A tower on a cluster of three NATS servers, three nodes and two bitcoinds, under load, as a test's own. */
export class Play {
  readonly ledger = new Ledger();
  readonly stage: Stage;
  #over = new AbortController();
  /** All that there are. */
  readonly #users: User[] = [];
  /** Those of them who never pause but while the checker speaks. */
  readonly #busy: User[] = [];
  readonly #channels: Channel[] = [];
  #work: Promise<unknown> = Promise.resolve();
  /** The requests that wait for their answer, or for their second attempt. */
  readonly #asked = new Set<Promise<unknown>>();
  #operator: Operator | undefined;

  private constructor(
    private readonly t: TestContext,
    options: PlayOptions,
  ) {
    const onDeath = (what: string) => void this.ledger.broken.push(what);
    const { natsSettings = '', network } = options;
    this.stage = new Stage({ shards: 1, servers: 3, nodes: 3, natsSettings, network, onDeath });
    t.after(async () => {
      this.#over.abort();
      await this.stage.clear();
    });
  }

  static async start(t: TestContext, options: PlayOptions): Promise<Play> {
    const play = new Play(t, options);
    await play.#begin(options);
    return play;
  }

  get operator(): Operator {
    return this.#operator ?? assert.fail('the play has not begun');
  }

  async #begin({ waysOf, channels }: PlayOptions): Promise<void> {
    const { stage } = this;
    await stage.build(waysOf);
    const { a } = stage.link;
    this.#operator = new Operator(await stage.connect('operator'), a.chain);
    await this.untilLevel();
    this.#channels.push(...(await openChannels(a.chain, channels)));
    await this.untilLevel();
    // A stream of the cluster may have no leader yet: nothing has happened by then that a client could be failed over.
    const stranger = new TowerClient(overNats(await stage.connect('client')), {
      towerId: TowerId.parse(stage.towerId),
      secretKey: new Random(1).of('stranger').bytes(32),
    });
    await again(() => stranger.register());
    for (const dialect of Dialect.options)
      for (let i = 0; i < CLIENTS_OF_EACH_DIALECT; i++) this.#busy.push(await this.newUser(`${dialect} ${i}`, dialect));
    this.#resume();
  }

  #resume(): void {
    this.#over = new AbortController();
    const { signal } = this.#over;
    setMaxListeners(0, signal); // every client listens
    this.#work = Promise.all(this.#busy.map((user) => user.run(signal)));
  }

  /** One more client, registered: it tries each request twice at the most. Its way to the tower may be another. */
  async newUser(name: string, dialect: Dialect = 'rust', way?: Courier): Promise<User> {
    const random = new Random(1).of(name);
    const straight = way ?? overNats(await this.stage.connect('client'));
    const courier = this.#counted(retryingOnce(straight, (what) => this.ledger.count(what)));
    const towerId = TowerId.parse(this.stage.towerId);
    const client = new TowerClient(courier, { towerId, secretKey: random.bytes(32), dialect });
    const user = new User(client, this.ledger, random, LOAD);
    await user.register();
    this.#users.push(user);
    return user;
  }

  #counted(courier: Courier): Courier {
    const ask = async (...request: Parameters<Courier['ask']>) => {
      const asked = courier.ask(...request);
      this.#asked.add(asked);
      return asked.finally(() => this.#asked.delete(asked));
    };
    return { ask };
  }

  /** Resolves when every request that was sent by now has come to its end, a second attempt waited for. */
  async untilServed(): Promise<void> {
    await Promise.allSettled(this.#asked);
  }

  /** Resolves when all nodes are level with the chain. */
  untilLevel(): Promise<void> {
    return this.operator.untilLevel(this.stage.nodes.length);
  }

  /** A breach of a channel whose penalty the tower has. */
  async guardedBreach(): Promise<Breach> {
    const breach = buildBreach(this.#nextChannel());
    await this.#guard(breach);
    return breach;
  }

  /** Two breaches of one channel, of which the chain takes either; the tower has the penalties of both. */
  async guardedRivals(): Promise<readonly [Breach, Breach]> {
    const channel = this.#nextChannel();
    const [one, other] = [buildBreach(channel), buildBreach(channel)];
    for (const breach of [one, other]) await this.#guard(breach);
    this.ledger.rivals.set(one, other).set(other, one);
    return [one, other];
  }

  #nextChannel(): Channel {
    return this.#channels.pop() ?? assert.fail('too few channels were opened');
  }

  async #guard(breach: Breach): Promise<void> {
    const [user = assert.fail('no users')] = this.#users;
    await until('a receipt for it', () =>
      user.guard(breach).then(
        () => true,
        (error: unknown) => void this.t.diagnostic(`no receipt: ${error}`),
      ),
    );
  }

  /** Mines its dispute, and nothing else. */
  async mine(breach: Breach, { chain }: Miner = this.stage.link.a): Promise<void> {
    this.ledger.begun.set(breach.disputeTxid, breach);
    await chain.mineOnly([breach.disputeTx]);
  }

  /** Resolves when its penalty is in a mempool: in that of a bitcoind, if one is named. */
  async untilAnswered({ penaltyTxid }: Breach, miner?: Miner): Promise<void> {
    await until(`penalty ${penaltyTxid} is in a mempool`, async () => {
      const miners = miner ? [miner] : this.stage.link.up;
      const found = await Promise.all(
        miners.map(({ bitcoind }) => isInMempool({ bitcoind }, penaltyTxid).catch(() => false)),
      );
      return found.includes(true);
    });
  }

  /** How clients did not get through, the second time neither, and how often. */
  get failures(): string[] {
    const counted = Array.from(this.ledger.counts, ([what, count]) => `${what}, ${count} times`);
    return counted.filter((what) => what.startsWith('requests that failed twice'));
  }

  /** Heals everything, buries every penalty, and has the independent checker and the nodes' states speak. */
  async end(): Promise<void> {
    const { stage, ledger, t } = this;
    await stage.heal();
    this.#over.abort();
    await this.#work;
    const ending = new Ending(stage, ledger, this.operator, (what) => t.diagnostic(what));
    await ending.bring(1);
    const findings = await ending.judge(this.#users.map(({ client }) => client));
    const { breached, punished, commits } = findings;
    t.diagnostic(JSON.stringify({ receipts: ledger.appointments.length, breached, punished, commits }));
    t.diagnostic(JSON.stringify(Object.fromEntries(ledger.counts)));
    assert.deepEqual(findings.violations, []);
    // Of two rivals that both were mined, a reorg took one back for good.
    const replaced = Array.from(ledger.begun.values()).filter((breach) => this.#hasRivalBegun(breach)).length / 2;
    assert.equal(punished, ledger.begun.size - replaced);
  }

  #hasRivalBegun(breach: Breach): boolean {
    const rival = this.ledger.rivals.get(breach);
    return rival !== undefined && this.ledger.begun.has(rival.disputeTxid);
  }

  /** Ends an act: `end` speaks, and then the clients go on. */
  async endAct(): Promise<void> {
    await this.end();
    this.#resume();
  }
}
