import { resolve } from 'node:path';
import type { Command } from 'commander';
import { notUnderstood } from '../arguments.js';
import { addBitcoindFlags, addKeyAndLogFlags, addLogFlags, configOf } from '../settings.js';
import type { ImportOptions } from './import-run.js';

/** `argus import`: another tower's key, users and appointments, so that this one goes on in its place. */
export function addImportCommands(program: Command): void {
  const group = program
    .command('import')
    .description("begin a tower with another one's key, users and appointments, so that its users notice nothing");
  importCommand(group, 'teos-sqlite <file>')
    .description('of the rust generation (rust-teos 0.2): its teos_db.sql3, in the folder of the network')
    .addHelpText('after', `${HELP}\n\nExample:\n  argus import teos-sqlite ~/.teos/main/teos_db.sql3 --dry-run`)
    .action((file: string, _options, command: Command) => run({ kind: 'teos-sqlite', path: resolve(file) }, command));
  importCommand(group, 'teos-leveldb <folder>')
    .description('of the python generation (python-teos 0.1): its folder, with appointments, users and teos_sk.der')
    .option('--key-file <file>', "the old tower's key (default: teos_sk.der in the folder)")
    .addHelpText('after', `${HELP}\n\nExample:\n  argus import teos-leveldb ~/.teos --dry-run`)
    .action((folder: string, _options, command: Command) => {
      const { keyFile } = command.opts<{ keyFile?: string }>();
      return run({ kind: 'teos-leveldb', path: resolve(folder), keyFile }, command);
    });
}

const HELP = `
Stop the old tower first; its files are read, and left as they are. No node of the new tower may run. bitcoind has to,
at best the old tower's. What cannot be carried over is listed, and then nothing is done without --leave-behind. An
import that was broken off goes on when it is given again.
Exit status: 0 done (or, with --dry-run, it could be), 1 not, or not all of it, 2 not understood.`;

const importCommand = (group: Command, usage: string): Command =>
  addLogFlags(addBitcoindFlags(addKeyAndLogFlags(group.command(usage))), 'log.shards', 'log.replicas')
    .option('--dry-run', 'only say what would be done')
    .option('--leave-behind', 'go on without what cannot be carried over')
    .option('--yes', 'do not ask')
    .option('--encrypt', 'keep the key encrypted, under the passphrase of --key-passphrase-file or of the terminal')
    .option('--json', 'one line of JSON for each thing that is left or noted, and one for the whole');

async function run(source: ImportOptions['source'], command: Command): Promise<void> {
  const { dryRun = false, yes = false, json = false, leaveBehind = false, encrypt = false } = command.opts();
  if (!dryRun && !yes && !process.stdin.isTTY)
    throw notUnderstood('there is no terminal to ask at: --yes or --dry-run');
  const { runImport } = await import('./import-run.js'); // a good part of a node
  const options = { source, dryRun, yes, json, leaveBehind, encrypt };
  process.exitCode = await runImport(configOf(command), options);
}
