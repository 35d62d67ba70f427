import { setMaxListeners } from 'node:events';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { TowerId } from '../../events/ids.js';
import { Dialect } from '../../events/signing/receipts.js';
import { type NodeInfo, Operator } from '../stage/operator.js';
import { Stage } from '../stage/stage.js';
import { until } from '../support/until.js';
import type { Findings } from './checker/check.js';
import { Deeds } from './deeds.js';
import { Ending } from './ending.js';
import { Ledger } from './ledger.js';
import { befall, disturb } from './mishaps.js';
import { Random } from './random.js';
import { User } from './user.js';

export interface TortureOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly shards: number;
  /** How many NATS servers: 1, or 3 that are a cluster. */
  readonly servers: number;
  readonly nodes: number;
  /** Hears of each stage of the run, for people. */
  readonly say: (text: string) => void;
  readonly signal?: AbortSignal;
}

export interface Report {
  readonly violations: readonly string[];
  /** Seed, deeds by kind, and what was found, as one line of JSON has it. */
  readonly summary: Readonly<Record<string, unknown>>;
  /** The servers' data and logs: kept if a promise was broken, gone if not. */
  readonly folder: string;
}

const USERS_OF_EACH_DIALECT = 4;

/** Puts a tower to the torture and asks the checker. Rejects if the run itself went wrong; its folder is kept then. */
export async function torture(options: TortureOptions): Promise<Report> {
  const ledger = new Ledger();
  const { shards, servers, nodes } = options;
  const stage = new Stage({ shards, servers, nodes, lines: true, onDeath: (what) => ledger.broken.push(what) });
  const run = new Run(options, stage, ledger);
  const abort = () => void stage.clear();
  options.signal?.addEventListener('abort', abort, { once: true });
  let clean = false;
  try {
    const report = await run.run();
    clean = report.violations.length === 0;
    if (!clean) writeFileSync(join(stage.folder, 'violations.txt'), report.violations.join('\n\n'));
    return report;
  } catch (error) {
    if (!options.signal?.aborted)
      options.say(`the run itself failed; the servers' data and logs are in ${stage.folder}`);
    throw error;
  } finally {
    writeFileSync(join(stage.folder, 'receipts.json'), JSON.stringify(ledger.appointments, undefined, 1));
    options.signal?.removeEventListener('abort', abort);
    await stage.clear({ keep: !clean && !options.signal?.aborted });
  }
}

class Run {
  readonly #random: Random;

  constructor(
    private readonly options: TortureOptions,
    private readonly stage: Stage,
    private readonly ledger: Ledger,
  ) {
    this.#random = new Random(options.seed);
  }

  async run(): Promise<Report> {
    const { stage, ledger, options } = this;
    const begun = performance.now();
    const { seed, shards, servers, nodes, seconds } = options;
    const what = `${shards} shards, ${servers} NATS servers, ${nodes} nodes`;
    options.say(`seed ${seed}, ${what}, ${seconds} s, in ${stage.folder}`);
    await stage.build();
    const operator = new Operator(await stage.connect('operator'), stage.link.a.chain);
    const ending = new Ending(stage, ledger, operator, (what) => this.#tell(what));
    await operator.untilLevel(nodes);
    const deeds = new Deeds(stage.link, ledger, this.#random.of('deeds'), (what) => this.#tell(what));
    await deeds.openChannels();
    const users = await this.#users();
    await this.#storm(deeds, users);

    options.say('the storm is over; everything is healed and brought to its end');
    await stage.heal();
    await ending.bring();
    const findings = await ending.judge(users.map(({ client }) => client));
    const violations = [...findings.violations, ...(await this.#replayed(operator, findings))];
    return { violations, folder: stage.folder, summary: this.#summary(findings, violations, begun) };
  }

  async #users(): Promise<User[]> {
    const users: User[] = [];
    for (const dialect of Dialect.options)
      for (let i = 0; i < USERS_OF_EACH_DIALECT; i++) {
        const random = this.#random.of(`${dialect} ${i}`);
        const secretKey = random.bytes(32);
        const options = {
          towerId: TowerId.parse(this.stage.towerId),
          secretKey,
          dialect,
          timeoutMs: 15_000,
        };
        const user = new User(
          new TowerClient(overNats(await this.stage.connect('client')), options),
          this.ledger,
          random,
        );
        await user.register();
        users.push(user);
      }
    return users;
  }

  async #storm(deeds: Deeds, users: readonly User[]): Promise<void> {
    const { stage, ledger, options } = this;
    const { signal: aborted = new AbortController().signal } = options;
    const calm = new AbortController();
    setMaxListeners(0, calm.signal); // everybody who pauses listens
    const tell = (what: string) => this.#tell(what);
    const random = this.#random.of('mishaps');
    const { victims, lines } = stage;
    const servers = stage.servers.map(({ victim }) => victim);
    const mishaps = { victims, servers, lines, random, ledger, over: calm.signal, tell };
    const disturbances = disturb({ ...mishaps, random: this.#random.of('lines') });
    const others = [deeds.run(calm.signal), befall(mishaps), disturbances];
    const work = [...users.map((user) => user.run(calm.signal)), ...others];
    const end = Date.now() + options.seconds * 1000;
    const failed = Promise.all(work).then(() => undefined);
    while (Date.now() < end && !aborted.aborted) {
      await Promise.race([sleep(Math.min(10_000, end - Date.now())), failed]);
      options.say(
        `${ledger.appointments.length} receipts, ${ledger.begun.size} breaches, ${ledger.counts.get('reorgs') ?? 0} reorgs`,
      );
    }
    calm.abort();
    await failed;
  }

  /** A fresh node, alone, makes of the log what the others made, and what the checker did. */
  async #replayed(operator: Operator, { numbers }: Findings): Promise<string[]> {
    const { stage } = this;
    const before = await until('a node answers', () => operator.info().catch(() => undefined));
    for (const { victim } of stage.nodes) await victim.end();
    await stage.startNode('fresh', stage.link.a.bitcoind);
    await operator.untilLevel(1);
    const fresh = await until('the fresh node answers', () => operator.info().catch(() => undefined));
    const known = ({ tip, users, watched_appointments, trackers, shards }: NodeInfo) =>
      JSON.stringify({
        tip,
        users,
        held: watched_appointments + trackers,
        positions: shards.map(({ position }) => position),
      });
    const counted = JSON.stringify({ tip: before.tip, ...numbers });
    return [
      ...(known(fresh) === known(before) ? [] : [`a fresh node says ${known(fresh)}, another said ${known(before)}`]),
      ...(known(fresh) === counted ? [] : [`a fresh node says ${known(fresh)}, the checker counted ${counted}`]),
    ];
  }

  #summary(findings: Findings, violations: readonly string[], begun: number): Report['summary'] {
    const { ledger, options } = this;
    const { breached, punished, refused, reverted, tooOld, orphans, commits } = findings;
    const { seed, shards, servers, nodes, seconds } = options;
    return {
      ...{ seed, shards, servers, nodes, seconds, took: Math.round((performance.now() - begun) / 1000) },
      receipts: ledger.appointments.length,
      ...{ breached, punished, refused, reverted, tooOld, orphans, commits },
      violations: violations.length,
      deeds: Object.fromEntries(Array.from(ledger.counts).sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  /** The story of the run, beside the servers' logs. */
  #tell(what: string): void {
    appendFileSync(join(this.stage.folder, 'story.log'), `${new Date().toISOString()} ${what}\n`);
  }
}
