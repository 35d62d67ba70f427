#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { natsUrls } from '../actors/config.js';
import { shardsText } from '../actors/ranges.js';
import { natsSeed } from '../actors/secrets.js';
import { version } from '../actors/version.js';
import { Locator, UserId } from '../events/ids.js';
import { addAlertCommand } from './alert/alert.js';
import { addArchiveCommands } from './archive.js';
import { notUnderstood, parseArgument } from './arguments.js';
import { addAuditCommands } from './audit/audit.js';
import { addClientCommands } from './client.js';
import { askCluster, printCluster } from './cluster.js';
import { addCompletionCommand } from './completion/completion.js';
import { addDescribeCommand } from './describe/describe.js';
import { addDoctorCommand } from './doctor/doctor.js';
import { printDrift } from './drift.js';
import { init } from './init.js';
import { addKeyCommands } from './key.js';
import { migrate } from './migrate.js';
import { natsKeys } from './nats-keys.js';
import { connectOperator, type Operator } from './operator.js';
import { addPolicyCommands } from './policy.js';
import { printFields, printJson, Table } from './print.js';
import { addLogFlags, addNodeFlags, addPageFlags, addWhereabouts, configOf } from './settings.js';
import { webPage } from './web.js';

/** How long to wait, on the command line. */
const Seconds = z
  .string()
  .regex(/^\d{1,6}$/, 'a time is given in seconds')
  .transform(Number);

/** The command `argus`. Exit status: 0 done, 1 failed, 2 not understood. */
const program = new Command('argus')
  .description('Argus, a Lightning watchtower: one node of it, and what its operator asks of it')
  .version(version)
  .showHelpAfterError('(argus --help tells more)')
  .showSuggestionAfterError()
  .exitOverride();

addNodeFlags(program.command('up'))
  .description('run a node, until it is told to stop')
  .addHelpText(
    'after',
    '\nExample:\n  argus up --network regtest --bitcoind http://127.0.0.1:18443 --zmq tcp://127.0.0.1:28332',
  )
  .action(async (_options, command: Command) => {
    const config = configOf(command);
    const { up } = await import('./up.js'); // a whole node, which no other command needs
    const status = await up(config).catch(statusOf);
    // Whatever may still wait for a server that is away: it is over.
    process.exit(status);
  });

addDoctorCommand(program);

addLogFlags(addWhereabouts(program.command('init')), 'log.shards', 'log.replicas')
  .description("make a tower's log on NATS, and its key if there is none; `up` does so too, with one shard unless told")
  .option('--json', 'one line of JSON')
  .addHelpText(
    'after',
    '\nExample:\n  argus init --shards 4 --replicas 3 --nats nats://10.0.0.1:4222,nats://10.0.0.2:4222,nats://10.0.0.3:4222',
  )
  .action((_options, command: Command) => init(configOf(command), command.opts().json === true));

addLogFlags(addWhereabouts(program.command('migrate')), 'log.replicas')
  .description('make the streams of a log what they should be: shows what it would change, asks, and changes it')
  .option('--from <url>', 'first copy the log of this NATS server, on which no node may be at work, to where none is')
  .option('--dry-run', 'only show it')
  .option('--yes', 'do not ask')
  .option('--timeout <seconds>', 'how long to wait until new copies are current', '600')
  .option('--json', 'one line of JSON for each setting')
  .addHelpText('after', '\nExample:\n  argus migrate --replicas 3 --nats nats://10.0.0.1:4222')
  .action(async (_options, command: Command) => {
    const { dryRun = false, yes = false, json = false, from, timeout } = command.opts();
    if (!dryRun && !yes && !process.stdin.isTTY)
      throw notUnderstood('there is no terminal to ask at: --yes or --dry-run');
    const patience = 1000 * parseArgument(Seconds, timeout);
    process.exitCode = await migrate(configOf(command), {
      dryRun,
      yes,
      json,
      from: from && parseArgument(natsUrls(), from),
      patience,
    });
  });

addWhereabouts(program.command('nkeys'))
  .description('print the public keys that a NATS server with nats.conf is started with; made on first use')
  .addHelpText('after', '\nExample:\n  env $(argus nkeys) ARGUS_NATS_STORE=/var/lib/argus nats-server -c nats.conf')
  .action((_options, command: Command) => {
    const { nodeNkeyFile, operatorNkeyFile, auditorNkeyFile } = configOf(command).nats;
    const keys = natsKeys(natsSeed(nodeNkeyFile), natsSeed(operatorNkeyFile), natsSeed(auditorNkeyFile));
    process.stdout.write(`ARGUS_NODE_NKEY=${keys.nodeNkey}\n`);
    process.stdout.write(`ARGUS_OPERATOR_NKEY=${keys.operatorNkey}\n`);
    process.stdout.write(`ARGUS_AUDITOR_NKEY=${keys.auditorNkey}\n`);
    process.stdout.write(`ARGUS_ISSUER_NKEY=${keys.issuerNkey}\n`);
  });

addKeyCommands(program);
addPolicyCommands(program);
addClientCommands(program);
addAuditCommands(program);
addArchiveCommands(program);
addAlertCommand(program);
addDescribeCommand(program);
addCompletionCommand(program);

question('info', 'the tower at a glance', 'argus info --json', () => async (operator, json) => {
  const info = await operator.ask('info');
  if (json) printJson(info);
  else printInfo(info);
});

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

question(
  'cluster',
  'the nodes, the streams of the log, and what is wrong',
  'argus cluster',
  () => async (operator, json) => {
    const cluster = await askCluster(operator);
    if (json) printJson(cluster);
    else printCluster(cluster);
  },
);

question('users', 'all users', 'argus users', () => async (operator, json) => {
  for await (const user of operator.list('users', 'user_ids')) {
    if (json) printJson(user);
    else process.stdout.write(`${user}\n`);
  }
});

question('user <id>', "one user's subscription and appointments", 'argus user 02e5...', (id) => {
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
  'appointments [locator]',
  'all appointments, or those with a locator',
  'argus appointments 6a3f...',
  (locator) => {
    const asked = locator === undefined ? {} : { locator: parseArgument(Locator, locator) };
    return (operator, json) =>
      printList(operator.list('appointments', 'appointments', asked), appointmentTable(), json);
  },
);

question('trackers', 'the breaches being answered', 'argus trackers', () => async (operator, json) => {
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
  await printList(operator.list('trackers', 'trackers'), new Table(columns), json);
});

addPageFlags(program.command('web'))
  .description("print the address of this node's web page, with the token that lets a browser in")
  .addHelpText('after', '\nExample:\n  argus web')
  .action((_options, command: Command) => webPage(configOf(command)));

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

// Whoever reads us, such as `head`, may have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = statusOf(error);
}

function statusOf(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.code === 'argus.argument') process.stderr.write(`argus: ${error.message}\n`);
    return error.exitCode === 0 ? 0 : 2;
  }
  process.stderr.write(`argus: ${error instanceof Error ? error.message : error}\n`);
  return error instanceof Error && 'code' in error && error.code === 'config' ? 2 : 1;
}
