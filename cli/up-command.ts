import type { Command } from 'commander';
import { statusOf } from './exit-status.js';
import { addNodeFlags, configOf } from './settings.js';

/** `argus up`: a node. */
export function addUpCommand(program: Command): void {
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
}
