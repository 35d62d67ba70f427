import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { headTower } from '../fixtures/stored-heads.js';
import { argus } from '../support/argus.js';
import { archiveOf, MadeUpLog } from '../support/made-up-log.js';
import { CTRL_C_AT_FILE } from '../support/pressed.js';
import { tempDir } from '../support/temp-dir.js';

describe('argus archive verify ends with 3, not as if the archive were wrong,', () => {
  const verify = (folder: string, env: Record<string, string> = {}) =>
    argus(['archive', 'verify', folder, '--tower', headTower, '--json'], { env });

  test('where there is no such folder', async (t) => {
    const { status, stdout, stderr } = await verify(join(tempDir(t), 'none'));
    assert.deepEqual([status, stdout], [3, '']);
    assert.match(stderr, /^argus: ENOENT: no such file or directory/);
  });

  test('where a file cannot be read', async (t) => {
    const folder = await archiveOf(t, new MadeUpLog().grow(3));
    assert.equal((await verify(folder)).status, 0);
    const path = join(folder, readdirSync(folder).find((name) => name.startsWith('TOWER_0')) ?? assert.fail());
    rmSync(path);
    mkdirSync(path);
    const { status, stdout, stderr } = await verify(folder);
    assert.deepEqual([status, stdout], [3, '']);
    assert.match(stderr, /^argus: EISDIR: /);
  });

  test('after ctrl-c', async (t) => {
    const folder = await archiveOf(t, new MadeUpLog().grow(3));
    assert.deepEqual(await verify(folder, { NODE_OPTIONS: CTRL_C_AT_FILE }), {
      status: 3,
      stdout: '',
      stderr: 'argus: interrupted\n',
    });
  });
});
