#!/usr/bin/env node
import { Command } from 'commander';
import { version } from '../actors/version.js';
import { statusOf } from './exit-status.js';

/** The command `argus`. Exit status: 0 done, 1 failed, 2 not understood. */
const program = new Command('argus')
  .description('Argus, a Lightning watchtower: one node of it, and what its operator asks of it')
  .version(version)
  .showHelpAfterError('(argus --help tells more)')
  .showSuggestionAfterError()
  .exitOverride();

type Add = (program: Command) => void;

/** What adds which commands, in the order of `--help`. One that is asked for is loaded alone, which is half of the time that all take. */
const groups: readonly (readonly [commands: readonly string[], load: () => Promise<Add>])[] = [
  [['up'], async () => (await import('./up-command.js')).addUpCommand],
  [['doctor'], async () => (await import('./doctor/doctor.js')).addDoctorCommand],
  [['init', 'migrate', 'nkeys'], async () => (await import('./log-commands.js')).addLogCommands],
  [['import'], async () => (await import('./import/import.js')).addImportCommands],
  [['key'], async () => (await import('./key.js')).addKeyCommands],
  [['invite', 'allow'], async () => (await import('./policy.js')).addPolicyCommands],
  [['client'], async () => (await import('./client.js')).addClientCommands],
  [['audit'], async () => (await import('./audit/audit.js')).addAuditCommands],
  [['archive'], async () => (await import('./archive.js')).addArchiveCommands],
  [['alert'], async () => (await import('./alert/alert.js')).addAlertCommand],
  [['describe'], async () => (await import('./describe/describe.js')).addDescribeCommand],
  // Speaks of all the others.
  [[], async () => (await import('./completion/completion.js')).addCompletionCommand],
  [
    ['info', 'cluster', 'users', 'user', 'appointments', 'trackers'],
    async () => (await import('./questions.js')).addQuestions,
  ],
  [['limits'], async () => (await import('./limits.js')).addLimitsCommand],
  [['feed'], async () => (await import('./feed/feed.js')).addFeedCommand],
  [['drain', 'undrain', 'stop'], async () => (await import('./duty.js')).addDutyCommands],
  [['web'], async () => (await import('./web.js')).addWebCommand],
];

async function addCommands(wanted = ''): Promise<void> {
  const own = groups.filter(([commands]) => commands.includes(wanted));
  const adding = await Promise.all((own.length > 0 ? own : groups).map(([, load]) => load()));
  for (const add of adding) add(program);
}

// Whoever reads us, such as `head`, may have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  await addCommands(process.argv[2]);
  await program.parseAsync();
} catch (error) {
  process.exitCode = statusOf(error);
}
