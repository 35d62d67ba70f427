import { Argument, type Command } from 'commander';
import { bash, fish, zsh } from './shells.js';
import { placesOf } from './tree.js';

const shells = { bash, zsh, fish } as const;

/** `argus completion bash|zsh|fish`: what has a shell complete the commands and options of this very version. */
export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print what has a shell complete the commands and options of argus')
    .addArgument(new Argument('<shell>', 'which').choices(Object.keys(shells)))
    .addHelpText('after', '\nExample, in ~/.bashrc:\n  eval "$(argus completion bash)"')
    .action((shell: keyof typeof shells) => void process.stdout.write(shells[shell](placesOf(program))));
}
