import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../actors/package-root.js';
import { mayDumpCore } from '../../cli/core-dumps.js';

const limits = (soft: string) => `Limit                     Soft Limit           Hard Limit           Units
Max file size             unlimited            unlimited            bytes
Max core file size        ${soft.padEnd(21)}unlimited            bytes
`;

test('core files are on unless the soft limit is 0; where no limit is told, nothing is said', () => {
  for (const [soft, expected] of [
    ['0', false],
    ['1', true],
    ['unlimited', true],
  ] as const)
    assert.equal(mayDumpCore(limits(soft)), expected);
  assert.equal(mayDumpCore(''), undefined);
});

test('a process tells its own limit', { skip: !existsSync('/proc/self/limits') }, () => {
  const module = join(packageRoot, 'dist', 'cli', 'core-dumps.js');
  const script = `import(${JSON.stringify(module)}).then((m) => console.log(m.mayDumpCore()))`;
  const said = (limit: string) =>
    spawnSync('/bin/sh', ['-c', `ulimit -S -c ${limit}; exec "$0" -e "$1"`, process.execPath, script], {
      encoding: 'utf8',
    }).stdout;
  assert.equal(said('0'), 'false\n');
  assert.equal(said('1000'), 'true\n');
});
