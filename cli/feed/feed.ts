import type { Command } from 'commander';
import { z } from 'zod';
import { Locator, UserId } from '../../events/ids.js';
import { parseArgument } from '../arguments.js';
import { follow, typesOf } from '../audit/follow.js';
import { POINTS_HELP, pointOf } from '../audit/points.js';
import { connectOperator, type Operator } from '../operator.js';
import { addWhereabouts, configOf } from '../settings.js';
import { openOperatorSource } from './operator-source.js';
import { KINDS, kindsOf, Selection, type Wanted } from './selection.js';

/**
 * `argus feed`: what the tower does, as it does it, for its operator. The events are those of `argus audit follow`; they come from the
 * nodes, with the operator's key, so the log itself need not be within reach. Any node answers each question: one that ends is not missed.
 */
export function addFeedCommand(program: Command): void {
  addWhereabouts(program.command('feed'))
    .description('what the tower does, as it does it, one line an event, until ctrl-c')
    .option('--since <point>', 'from this moment on; from now on unless given')
    .option('--kind <kinds>', `only what concerns these, of ${KINDS.join(', ')}; all but scan unless given`)
    .option('--type <types>', 'only these types of events, such as BreachDetected,PenaltyBroadcast')
    .option('--user <id>', 'only what concerns this user')
    .option('--locator <locator>', 'only what concerns appointments with this locator')
    .option('--json', 'one line of JSON for each event')
    .addHelpText(
      'after',
      `${POINTS_HELP.replace('--from', '--since')}\nExample:\n  argus feed --kind tracker --since 2026-10-01`,
    )
    .action(async (_options, command: Command) => {
      const { since, kind, type = '', user, locator, json = false } = command.opts<Given>();
      const wanted: Wanted = {
        kinds: kindsOf(kind ?? (type === '' ? undefined : KINDS.join(','))),
        user: user === undefined ? undefined : parseArgument(UserId, user.toLowerCase(), '--user'),
        locator: locator === undefined ? undefined : parseArgument(Locator, locator.toLowerCase(), '--locator'),
      };
      const from = since === undefined ? undefined : await pointOf(since);
      const types = typesOf(type);
      const stopping = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
      const operator = await connectOperator(configOf(command));
      try {
        const selection = new Selection(wanted, await appointmentsOf(operator, wanted));
        const isWanted: Parameters<typeof follow>[1]['isWanted'] = ({ row }) => selection.has(row);
        const options = { from, shard: undefined, types, json, isWanted };
        await follow(await openOperatorSource(operator), options, stopping.signal);
      } finally {
        await operator.close();
      }
    });
}

/** The appointments whose breaches are being answered, of those that are wanted. */
async function appointmentsOf(operator: Operator, { user, locator }: Wanted): Promise<string[]> {
  const known: string[] = [];
  if (user === undefined && locator === undefined) return known;
  for await (const item of operator.list('trackers', 'trackers')) {
    const tracker = Tracker.parse(item);
    const isWanted =
      (user === undefined || tracker.user_id === user) && (locator === undefined || tracker.locator === locator);
    if (isWanted) known.push(tracker.appointment_id);
  }
  return known;
}

const Tracker = z.looseObject({ appointment_id: z.string(), user_id: z.string(), locator: z.string() });

interface Given {
  readonly since?: string;
  readonly kind?: string;
  readonly type?: string;
  readonly user?: string;
  readonly locator?: string;
  readonly json?: boolean;
}
