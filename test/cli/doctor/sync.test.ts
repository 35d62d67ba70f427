import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../../actors/package-root.js';
import { syncOf } from '../../../cli/doctor/sync.js';
import { freePorts } from '../../../cli/servers/ports.js';
import { startTestNats } from '../../support/nats.js';
import { tempDir } from '../../support/temp-dir.js';

test("a server's monitoring tells whether what it acknowledges is on its disk; another server's is not believed", async (t) => {
  const ports = await freePorts(2);
  const [good = 0, bad = 0] = ports;
  const safe = await startTestNats(t, { extra: ['-m', String(good)] });
  const text = readFileSync(join(packageRoot, 'nats.conf'), 'utf8').replace(
    'sync_interval: always',
    'sync_interval: "2m"',
  );
  const file = join(tempDir(t), 'lazy.conf');
  writeFileSync(file, text);
  const lazy = await startTestNats(t, { extra: ['-c', file, '-m', String(bad)] });
  const [one, other] = [await safe.connect('node'), await lazy.connect('node')];
  assert.equal((await syncOf(one, good)).state, 'ok');
  assert.equal((await syncOf(one, bad)).state, 'unknown');
  const found = await syncOf(other, bad);
  assert.equal(found.state, 'problem');
  assert.match(found.cure ?? '', /sync_interval: always/);
});
