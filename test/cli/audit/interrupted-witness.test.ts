import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { headTower } from '../../fixtures/stored-heads.js';
import { argus, MAIN } from '../../support/argus.js';
import { archiveOf, MadeUpLog } from '../../support/made-up-log.js';
import { CTRL_C_AT_FILE } from '../../support/pressed.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';

/** Longer than an audit takes to end at ctrl-c, and shorter than a bitcoind that is silent is waited for. */
const SOON_MS = 10_000;

/** The audit of an archive that is right. */
async function auditOf(t: Cleanup): Promise<string[]> {
  const folder = await archiveOf(t, new MadeUpLog().grow(3, 0));
  return ['audit', 'verify', '--archive', folder, '--offline', '--tower', headTower];
}

/** A bitcoind that gives so many answers, and is silent then: where it is, and when that is so. */
async function startSilent(t: Cleanup, answers: number) {
  let fallSilent = () => {};
  const silent = new Promise<void>((resolve) => {
    fallSilent = resolve;
  });
  let asked = 0;
  const server = createServer((_, response) => {
    if (asked++ === answers) return fallSilent();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ result: 3, error: null, id: 1 }));
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, silent };
}

describe('one ctrl-c ends an audit', () => {
  for (const [what, answers] of [
    ['how high its chain is', 0],
    ['for headers', 1],
  ] as const)
    test(`that has asked a bitcoind ${what}, which does not answer`, async (t) => {
      const { url, silent } = await startSilent(t, answers);
      const access = ['--bitcoind', url, '--bitcoind-user', 'user', '--bitcoind-password', 'password'];
      const child = spawn(process.execPath, [MAIN, ...(await auditOf(t)), ...access], {
        env: { PATH: process.env.PATH, HOME: '/nonexistent' },
      });
      t.after(() => void child.kill('SIGKILL'));
      const ended = once(child, 'close', { signal: AbortSignal.timeout(60_000) });
      const said = Promise.all([text(child.stdout), text(child.stderr), ended]);
      await Promise.race([silent, said.then((early) => assert.fail(`it ended: ${early}`))]);
      const begun = performance.now();
      child.kill('SIGINT');
      const [stdout, stderr, [status]] = await said;
      assert.deepEqual([status, stdout, stderr], [3, '', 'argus: interrupted\n']);
      assert.ok(performance.now() - begun < SOON_MS, `it took ${performance.now() - begun} ms`);
    });

  test('that reads a file of headers', async (t) => {
    const headers = join(tempDir(t), 'headers');
    writeFileSync(headers, 'none');
    const said = await argus([...(await auditOf(t)), '--headers', headers], { env: { NODE_OPTIONS: CTRL_C_AT_FILE } });
    assert.deepEqual(said, { status: 3, stdout: '', stderr: 'argus: interrupted\n' });
  });
});
