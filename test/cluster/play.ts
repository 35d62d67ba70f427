import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import type { TestContext } from 'node:test';
import type { Courier } from '../../actors/client/courier.js';
import { overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import type { Breach } from '../../cli/demo/channel.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';
import { TowerId } from '../../events/ids.js';
import { Dialect } from '../../events/signing/receipts.js';
import type { Miner } from '../stage/link.js';
import { Operator } from '../stage/operator.js';
import { Stage, type StageOptions, type Ways } from '../stage/stage.js';
import { isInMempool } from '../support/tower.js';
import { until } from '../support/until.js';
import { Ending } from '../torture/ending.js';
import { Ledger } from '../torture/ledger.js';
import { Random } from '../torture/random.js';
import { type Deed, User } from '../torture/user.js';
import { retryingOnce } from './retry-once.js';

export interface PlayOptions extends Pick<StageOptions, 'natsSettings'> {
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
  readonly #over = new AbortController();
  /** All that there are; the first ones never pause. */
  readonly #users: User[] = [];
  readonly #breaches: Breach[] = [];
  #work: Promise<unknown> = Promise.resolve();
  #operator: Operator | undefined;

  private constructor(
    private readonly t: TestContext,
    options: PlayOptions,
  ) {
    const onDeath = (what: string) => void this.ledger.broken.push(what);
    const { natsSettings = '' } = options;
    this.stage = new Stage({ shards: 1, servers: 3, nodes: 3, natsSettings, onDeath });
    setMaxListeners(0, this.#over.signal); // every client listens
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
    this.#breaches.push(...(await openChannels(a.chain, channels)).map((channel) => buildBreach(channel)));
    await this.untilLevel();
    for (const dialect of Dialect.options)
      for (let i = 0; i < CLIENTS_OF_EACH_DIALECT; i++) await this.newUser(`${dialect} ${i}`, dialect);
    this.#work = Promise.all(this.#users.map((user) => user.run(this.#over.signal)));
  }

  /** One more client, registered: it tries each request twice at the most. Its way to the tower may be another. */
  async newUser(name: string, dialect: Dialect = 'rust', way?: Courier): Promise<User> {
    const random = new Random(1).of(name);
    const straight = way ?? overNats(await this.stage.connect('client'));
    const courier = retryingOnce(straight, (what) => this.ledger.count(what));
    const towerId = TowerId.parse(this.stage.towerId);
    const client = new TowerClient(courier, { towerId, secretKey: random.bytes(32), dialect });
    const user = new User(client, this.ledger, random, LOAD);
    await user.register();
    this.#users.push(user);
    return user;
  }

  /** Resolves when all nodes are level with the chain. */
  untilLevel(): Promise<void> {
    return this.operator.untilLevel(this.stage.nodes.length);
  }

  /** A breach of a channel whose penalty the tower has. */
  async guardedBreach(): Promise<Breach> {
    const breach = this.#breaches.pop() ?? assert.fail('too few channels were opened');
    const [user = assert.fail('no users')] = this.#users;
    await until('a receipt for it', () =>
      user.guard(breach).then(
        () => true,
        (error: unknown) => void this.t.diagnostic(`no receipt: ${error}`),
      ),
    );
    return breach;
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

  /** How clients did not get through, the second time neither. */
  get failures(): string[] {
    return Array.from(this.ledger.counts.keys()).filter((what) => what.startsWith('requests that failed twice'));
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
    assert.equal(punished, ledger.begun.size);
  }
}
