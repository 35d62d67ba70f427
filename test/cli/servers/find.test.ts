import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../../actors/package-root.js';
import { findServer, ServerNotFound } from '../../../cli/servers/find.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';

test('the variable wins, then PATH, then what the package brought', (t) => {
  const folder = tempDir(t);
  const [named, onPath] = [program(folder, 'named'), program(folder, 'nats-server')];
  environment(t, { NATS_SERVER: named, PATH: folder });
  assert.equal(findServer('nats-server'), named);
  process.env.NATS_SERVER = 'nats-server';
  assert.equal(findServer('nats-server'), onPath);
  delete process.env.NATS_SERVER;
  assert.equal(findServer('nats-server'), onPath);
  process.env.PATH = `${join(folder, 'nowhere')}:`;
  const own = join(packageRoot, '.servers', 'bin', 'nats-server');
  try {
    assert.equal(findServer('nats-server'), own);
  } catch (error) {
    assert.ok(error instanceof ServerNotFound && error.message.includes(own), String(error));
  }
});

test('a variable that names no program is an error, and so is a folder or a file that cannot be run', (t) => {
  const folder = tempDir(t);
  mkdirSync(join(folder, 'a-folder'));
  writeFileSync(join(folder, 'a-file'), '');
  environment(t, { PATH: process.env.PATH ?? '' });
  for (const name of ['nothing', 'a-folder', 'a-file']) {
    process.env.BITCOIND = join(folder, name);
    assert.throws(() => findServer('bitcoind'), {
      code: 'server-not-found',
      message: /^BITCOIND is ".*", which is not/,
    });
  }
});

function program(folder: string, name: string): string {
  const path = join(folder, name);
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
}

/** Sets variables for the length of a test; the others that `findServer` reads come back as well. */
function environment(t: Cleanup, values: Record<string, string>): void {
  const before = { PATH: process.env.PATH, NATS_SERVER: process.env.NATS_SERVER, BITCOIND: process.env.BITCOIND };
  t.after(() => {
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });
  Object.assign(process.env, values);
}
