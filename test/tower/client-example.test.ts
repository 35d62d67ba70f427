import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { packageRoot } from '../../actors/package-root.js';
import { startTestTower } from '../support/tower.js';

const EXAMPLE = join(packageRoot, 'dist', 'actors', 'client', 'example.js');

/** Starts the example; what it says, and how it ends. */
function run(...args: string[]) {
  const child = spawn(process.execPath, [EXAMPLE, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
  return Promise.all([text(child.stdout), text(child.stderr), ended]);
}

test("the example of the client's page runs as it is there, over both doors", async (t) => {
  const tower = await startTestTower(t, { settings: { 'http.listen': '127.0.0.1:0' } });
  const runs = [tower.nats.url, ...tower.node.httpUrls].map((url) => run(tower.key.towerId, url));
  // A proof there is from the next block on.
  const mining = setInterval(() => void tower.chain.mine(1).catch(() => {}), 1_000);
  for (const [said, failed, status] of await Promise.all(runs).finally(() => clearInterval(mining))) {
    assert.deepEqual([failed, status], ['', 0]);
    const lines = said.trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^registered: 10000 slots until block \d+$/);
    assert.match(lines[1] ?? '', /^accepted: locator [0-9a-f]{32}, watched from block \d+$/);
    assert.deepEqual(lines.slice(2, 4), [
      'the tower says: being_watched',
      'subscription: 9999 slots left, 1 appointment',
    ]);
    assert.match(lines[4] ?? '', /^proven: on a log of \d+ commits$/);
    assert.equal(lines.length, 5);
  }
  const [, failed, status] = await run(`02${'11'.repeat(32)}`, tower.nats.url);
  assert.deepEqual([status, failed.includes('BadReceiptError')], [1, true], 'another tower is not taken for it');
});
