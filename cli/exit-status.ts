import { CommanderError } from 'commander';

/** What a command ends with that rejects, and says why on stderr: 2 not understood, 1 failed. */
export function statusOf(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.code === 'argus.argument') process.stderr.write(`argus: ${error.message}\n`);
    return error.exitCode === 0 ? 0 : 2;
  }
  process.stderr.write(`argus: ${error instanceof Error ? error.message : error}\n`);
  return error instanceof Error && 'code' in error && error.code === 'config' ? 2 : 1;
}
