import type { Command } from 'commander';
import { z } from 'zod';
import { natsUrls } from '../actors/config-fields.js';
import { natsSeed } from '../actors/secrets.js';
import { notUnderstood, parseArgument } from './arguments.js';
import { init } from './init.js';
import { migrate } from './migrate.js';
import { natsKeys } from './nats-keys.js';
import { printJson } from './print.js';
import { addLogFlags, addNodeFlags, addWhereabouts, configOf, sourcesOf } from './settings.js';

/** How long to wait, on the command line. */
const Seconds = z
  .string()
  .regex(/^\d{1,6}$/, 'a time is given in seconds')
  .transform(Number);

/** `argus init`, `migrate` and `nkeys`: the tower's log, and the keys of its NATS servers. */
export function addLogCommands(program: Command): void {
  addNodeFlags(program.command('init'))
    .description(
      "begin a tower, or a node of one: asks at a terminal for what it has to know, and writes argus.toml, the tower's key and the log; what is there stays",
    )
    .option('--yes', 'ask nothing, and write argus.toml of flags and of what is usual')
    .option('--force', 'with an argus.toml that is there: put it aside, and write another')
    .option('--json', 'one line of JSON; without --yes no argus.toml is written')
    .addHelpText(
      'after',
      `
Without a terminal, and without --yes, it makes the key and the log alone.

Examples:
  argus init
  argus init --yes --network signet --policy invite --http 0.0.0.0:9814
  argus init --shards 4 --replicas 3 --nats nats://10.0.0.1:4222,nats://10.0.0.2:4222,nats://10.0.0.3:4222`,
    )
    .action(async (_options, command: Command) => {
      const { yes = false, force = false, json = false } = command.opts();
      await init(sourcesOf(command), { yes, force, json });
    });

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
    .option('--json', 'one line of JSON')
    .addHelpText('after', '\nExample:\n  env $(argus nkeys) ARGUS_NATS_STORE=/var/lib/argus nats-server -c nats.conf')
    .action((_options, command: Command) => {
      const { nodeNkeyFile, operatorNkeyFile, auditorNkeyFile } = configOf(command).nats;
      const keys = natsKeys(natsSeed(nodeNkeyFile), natsSeed(operatorNkeyFile), natsSeed(auditorNkeyFile));
      const named = {
        ARGUS_NODE_NKEY: keys.nodeNkey,
        ARGUS_OPERATOR_NKEY: keys.operatorNkey,
        ARGUS_AUDITOR_NKEY: keys.auditorNkey,
        ARGUS_ISSUER_NKEY: keys.issuerNkey,
      };
      if (command.opts().json === true) printJson(named);
      else for (const [name, key] of Object.entries(named)) process.stdout.write(`${name}=${key}\n`);
    });
}
