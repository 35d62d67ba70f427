import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Config } from '../../actors/config.js';
import { notUnderstood, wholeNumber } from '../arguments.js';
import { askCluster } from '../cluster.js';
import { connectOperator, type Operator, OperatorError } from '../operator.js';
import { printJson } from '../print.js';
import { addWhereabouts, configOf } from '../settings.js';
import { deliver, type Ways } from './deliver.js';
import { type Alert, type Look, type SeenTracker, Troubles } from './troubles.js';

/**
 * `argus alert`: looks at a tower every few seconds, with the operator's key, and tells of breaches, stuck penalties and whatever
 * is wrong. A program of its own, so that it also tells of a tower that is gone: best on a machine that is not a node's.
 */
export function addAlertCommand(program: Command): void {
  addWhereabouts(program.command('alert'))
    .description(
      'look at the tower until told to stop, and tell of breaches, stuck penalties, and nodes or bitcoinds that are lost',
    )
    .option('--webhook <url>', 'is sent each alert as JSON (POST)')
    .option('--command <program>', 'is started for each alert, which it finds as JSON on stdin')
    .option('--nodes <names>', 'the nodes that there should be, with commas; others are missed once they were seen')
    .option('--every <seconds>', 'how long from one look to the next', '15')
    .option('--json', 'one line of JSON for each alert')
    .addHelpText(
      'after',
      '\nExample:\n  argus alert --network mainnet --nodes one,two --webhook https://ntfy.example/argus',
    )
    .action(async (_options, command: Command) => {
      const { webhook, command: program, nodes = '', every = '15', json = false } = command.opts<Given>();
      if (webhook !== undefined && !(URL.canParse(webhook) && /^https?:/.test(webhook)))
        throw notUnderstood('--webhook: not a http(s) URL');
      const everyMs = 1_000 * wholeNumber('--every', every, 3_600, 1);
      const expected = nodes.split(',').filter((name) => name !== '');
      await watch(configOf(command), new Troubles(expected), {
        webhook,
        command: program,
        everyMs,
        json,
      });
    });
}

interface Given {
  readonly webhook?: string;
  readonly command?: string;
  readonly nodes?: string;
  readonly every?: string;
  readonly json?: boolean;
}

async function watch(
  config: Config,
  troubles: Troubles,
  options: Ways & { readonly everyMs: number; readonly json: boolean },
): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  const eyes = new Eyes(config);
  try {
    while (!stopping.signal.aborted) {
      for (const alert of troubles.next(await eyes.look())) await tell(alert, config, options);
      await sleep(options.everyMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  } finally {
    await eyes.close();
  }
}

async function tell(alert: Alert, { network }: Config, options: Ways & { readonly json: boolean }): Promise<void> {
  const whole = { v: 1, time: new Date().toISOString(), network, ...alert };
  if (options.json) printJson(whole);
  else process.stdout.write(`${whole.time}  ${alert.kind.padEnd(13)}  ${alert.text}\n`);
  for (const { way, why } of await deliver(options, whole))
    process.stderr.write(`argus: --${way} was not told: ${why}\n`);
}

/** Looks at a tower, over one connection that is made anew when it failed. */
class Eyes {
  #operator: Operator | undefined;

  constructor(private readonly config: Config) {}

  async look(): Promise<Look> {
    try {
      this.#operator ??= await connectOperator(this.config);
      const { nodes, silent, alarms } = await askCluster(this.#operator);
      const there = [...nodes.map(({ node }) => node), ...silent];
      return { nodes: there, alarms, ...(await trackersOf(this.#operator)) };
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      await this.close();
      return { unreachable: error.message, nodes: [], alarms: [], trackers: [], isWhole: false };
    }
  }

  async close(): Promise<void> {
    const operator = this.#operator;
    this.#operator = undefined;
    await operator?.close().catch(() => {});
  }
}

/** The breaches being answered, of the shards that somebody serves: that others are not served is an alarm of its own. */
async function trackersOf(operator: Operator): Promise<Pick<Look, 'trackers' | 'isWhole'>> {
  const trackers: SeenTracker[] = [];
  try {
    for await (const tracker of operator.list('trackers', 'trackers')) trackers.push(Tracker.parse(tracker));
    return { trackers, isWhole: true };
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return { trackers, isWhole: false };
  }
}

const Tracker = z.looseObject({
  appointment_id: z.string(),
  locator: z.string(),
  user_id: z.string(),
  dispute_txid: z.string(),
  penalty_txid: z.string().nullable(),
  waits_for: z.string().nullable(),
  stuck: z.boolean(),
});
