import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { torture } from './torture.js';

/**
 * `npm run torture`: a tower on real servers, all of which are killed, frozen and restarted while its clients work and its
 * chain is reorged; then an independent checker says whether every promise was kept.
 *
 * The last line is JSON. Exit status 0 if so, 1 if not (the violations are on stderr, the servers' data is kept).
 */
const program = new Command('torture')
  .option('--minutes <n>', 'how long', number, 2)
  .option('--seed <n>', 'another seed is another story', number, randomInt(1_000_000))
  .option('--shards <n>', 'groups of users', number, 1)
  .option('--servers <n>', 'NATS servers: 1, or a cluster of 3', number, 1)
  .option('--nodes <n>', 'nodes of the tower, at most 5', number, 2)
  .parse();

const { minutes, ...options } = program.opts<Record<'minutes' | 'seed' | 'shards' | 'servers' | 'nodes', number>>();
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const abort = new AbortController();

/** Ctrl-C ends every child before it ends us. */
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.on(signal, () => {
    if (abort.signal.aborted) return;
    say('stopping');
    process.exitCode = status;
    abort.abort();
  });

try {
  const report = await torture({ ...options, seconds: minutes * 60, say, signal: abort.signal });
  for (const violation of report.violations) say(`VIOLATION ${violation}\n`);
  if (report.violations.length > 0) say(`the servers' data and logs are in ${report.folder}`);
  process.stdout.write(`${JSON.stringify(report.summary)}\n`);
  process.exit(report.violations.length > 0 ? 1 : 0);
} catch (error) {
  if (!abort.signal.aborted) say(`torture: ${error instanceof Error ? error.stack : error}`);
  process.exit(process.exitCode ?? 1);
}

function number(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('is a number');
}
