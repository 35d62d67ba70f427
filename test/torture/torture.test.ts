import assert from 'node:assert/strict';
import { test } from 'node:test';
import { torture } from './torture.js';

const SECONDS = Number(process.env.ARGUS_TORTURE_SECONDS ?? 25);
const SEED = Number(process.env.ARGUS_TORTURE_SEED ?? 1);

test(`${SECONDS} seconds of torture leave nobody who holds a receipt unprotected (seed ${SEED})`, async (t) => {
  const abort = new AbortController();
  t.after(() => abort.abort());
  const say = (text: string) => t.diagnostic(text);
  const report = await torture({
    seed: SEED,
    seconds: SECONDS,
    shards: 2,
    servers: 1,
    nodes: 2,
    say,
    signal: abort.signal,
  });
  t.diagnostic(JSON.stringify(report.summary));
  assert.deepEqual(report.violations, [], `the servers' data and logs are in ${report.folder}`);
});
