import { Command } from 'commander';
import { z } from 'zod';
import { shardsText } from '../actors/ranges.js';
import { Locator, UserId } from '../events/ids.js';
import { parseArgument } from './arguments.js';
import { askCluster, printCluster } from './cluster.js';
import { printDrift } from './drift.js';
import { connectOperator, type Operator } from './operator.js';
import { printFields, printJson, Table } from './print.js';
import { addWhereabouts, configOf } from './settings.js';

/** `argus info`, `cluster`, `users` and so on: what the operator asks of a running tower. */
export function addQuestions(program: Command): void {
  question(program, 'info', 'the tower at a glance', 'argus info --json', () => async (operator, json) => {
    const info = await operator.ask('info');
    if (json) printJson(info);
    else printInfo(info);
  });

  question(
    program,
    'cluster',
    'the nodes, the streams of the log, and what is wrong',
    'argus cluster',
    () => async (operator, json) => {
      const cluster = await askCluster(operator);
      if (json) printJson(cluster);
      else printCluster(cluster);
    },
  );

  question(program, 'users', 'all users', 'argus users', () => async (operator, json) => {
    for await (const user of operator.list('users', 'user_ids')) {
      if (json) printJson(user);
      else process.stdout.write(`${user}\n`);
    }
  });

  question(program, 'user <id>', "one user's subscription and appointments", 'argus user 02e5...', (id) => {
    const userId = parseArgument(UserId, id);
    return async (operator, json) => {
      const asked = { user_id: userId };
      const { appointments: _first, next: _next, ...fields } = await operator.ask('user', { ...asked, limit: 1 });
      const rows: z.infer<typeof Row>[] = [];
      for await (const row of operator.list('appointments', 'appointments', asked)) rows.push(Row.parse(row));
      if (json) return printJson({ ...fields, appointments: rows });
      printFields({ ...fields, appointments: rows.length });
      if (rows.length > 0) appointmentTable().print(rows);
    };
  });

  question(
    program,
    'appointments [locator]',
    'all appointments, or those with a locator',
    'argus appointments 6a3f...',
    (locator) => {
      const asked = locator === undefined ? {} : { locator: parseArgument(Locator, locator) };
      return (operator, json) =>
        printList(operator.list('appointments', 'appointments', asked), appointmentTable(), json);
    },
  );

  question(
    program,
    'trackers [locator]',
    'the breaches being answered, and what they wait for',
    'argus trackers',
    (given) => {
      const locator = given === undefined ? undefined : parseArgument(Locator, given);
      const columns = {
        APPOINTMENT: 'appointment_id',
        STAGE: 'stage',
        DISPUTE: 'dispute_txid',
        'AT HEIGHT': 'dispute_height',
        'SEEN UNMINED AT': 'sighted_height',
        PENALTY: 'penalty_txid',
        'MINED AT': 'penalty_height',
        'WAITS FOR': 'waits_for',
        'SINCE HEIGHT': 'since_height',
        STUCK: 'stuck',
      };
      return (operator, json) =>
        printList(ofLocator(operator.list('trackers', 'trackers'), locator), new Table(columns), json);
    },
  );
}

function printInfo({
  shards,
  unserved_shards: unserved = [],
  stream_drift: drift = [],
  ...fields
}: Record<string, unknown>): void {
  printFields(fields);
  printDrift(z.array(Row).parse(drift));
  const rows = z.array(Row).parse(shards);
  const columns = {
    SHARD: 'shard',
    'LOG POSITION': 'position',
    'SCANNED TO': 'scanned_height',
    'SIGNED TO': 'head_size',
  };
  new Table(columns).print(rows);
  for (const { shard, head_alarm: alarm } of rows)
    if (typeof alarm === 'string')
      process.stdout.write(`ALARM shard ${shard}: ${alarm}
`);
  const missing = z.array(z.number()).parse(unserved);
  if (missing.length > 0) process.stdout.write(`ALARM no node answers for ${shardsText(missing)}\n`);
}

const Row = z.record(z.string(), z.unknown());

const appointmentTable = () =>
  new Table({
    APPOINTMENT: 'appointment_id',
    LOCATOR: 'locator',
    USER: 'user_id',
    STATUS: 'status',
    SLOTS: 'slots',
    'START BLOCK': 'start_block',
    BYTES: 'blob_bytes',
  });

/** A command that asks a running tower something; `prepare` checks its argument before anybody is asked. */
function question(
  program: Command,
  usage: string,
  description: string,
  example: string,
  prepare: (argument: string | undefined) => (operator: Operator, json: boolean) => Promise<void>,
): void {
  addWhereabouts(program.command(usage))
    .description(description)
    .option('--json', 'one line of JSON for each answer')
    .addHelpText('after', `\nExample:\n  ${example}`)
    .action(async (...given: unknown[]) => {
      const command = given.at(-1);
      if (!(command instanceof Command)) throw new TypeError('no command');
      const answer = prepare(command.args[0]);
      const operator = await connectOperator(configOf(command));
      try {
        await answer(operator, command.opts().json === true);
      } finally {
        await operator.close();
      }
    });
}

/** What of some trackers is of a locator, if one is given: there are few of them. */
async function* ofLocator(trackers: AsyncGenerator<unknown>, locator: Locator | undefined): AsyncGenerator<unknown> {
  for await (const tracker of trackers)
    if (locator === undefined || Row.parse(tracker).locator === locator) yield tracker;
}

/** Prints a list as it comes, so that a long one begins at once. */
async function printList(items: AsyncGenerator<unknown>, table: Table, json: boolean): Promise<void> {
  const rows: z.infer<typeof Row>[] = [];
  try {
    for await (const item of items) {
      if (json) printJson(item);
      else rows.push(Row.parse(item));
      if (rows.length >= 100) table.print(rows.splice(0));
    }
  } finally {
    // Also of a list that is not whole.
    if (!json) table.print(rows);
  }
}
