// Runs files of tests with node's test runner, in the order given. Its own command line would sort them by name: the tests
// of clusters, say, would all run at once, each with eight servers, on a machine of two processors.

import os from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { runMain, SetupError } from './report.mjs';

/** Within which a file of tests has ended, or is ended and has failed; in ms. In a slow hour the slowest takes five minutes. */
const FILE_TIMEOUT = 600_000;
/** The tests wait for servers and disks more than for the processor. */
const CONCURRENCY = Math.min(4, os.cpus().length + 2);

/** Of node's own options the one that says which tests. */
const PATTERN = 'test-name-pattern';

function readArguments() {
  try {
    const { values, positionals: files } = parseArgs({
      options: { [PATTERN]: { type: 'string', multiple: true } },
      allowPositionals: true,
    });
    return { files, testNamePatterns: values[PATTERN] };
  } catch (error) {
    throw new SetupError(error instanceof Error ? error.message : String(error));
  }
}

await runMain(async () => {
  const wanted = readArguments();
  const over = new AbortController();
  // Of these only ctrl-c reaches the tests by itself.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => over.abort());
  const events = run({ ...wanted, concurrency: CONCURRENCY, timeout: FILE_TIMEOUT, signal: over.signal });
  events.on('test:fail', ({ todo }) => {
    if (!todo) process.exitCode = 1;
  });
  events.compose(new spec()).pipe(process.stdout);
});
