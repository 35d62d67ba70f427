import assert from 'node:assert/strict';
import fs, { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makePrivateFile, replacePrivateFile } from '../../actors/private-file.js';
import { tempDir } from '../support/temp-dir.js';

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

describe('a private file', () => {
  test("is made for its owner alone, whatever the process's umask", (t) => {
    const folder = tempDir(t);
    for (const umask of [0, 0o777]) {
      const before = process.umask(umask);
      try {
        makePrivateFile(join(folder, `made ${umask}`), 'a secret\n');
        replacePrivateFile(join(folder, `new ${umask}`), 'a secret\n');
      } finally {
        process.umask(before);
      }
    }
    const names = readdirSync(folder).sort();
    assert.deepEqual(names, ['made 0', 'made 511', 'new 0', 'new 511'], 'and nothing is left beside them');
    for (const name of names) {
      assert.equal(modeOf(join(folder, name)), '600');
      assert.equal(readFileSync(join(folder, name), 'utf8'), 'a secret\n');
    }
  });

  test('takes the place of nothing that is there, also not of a link to nowhere', (t) => {
    const folder = tempDir(t);
    const [file, link] = [join(folder, 'file'), join(folder, 'link')];
    writeFileSync(file, 'old');
    symlinkSync(join(folder, 'nowhere'), link);
    for (const there of [file, link, folder])
      assert.throws(() => makePrivateFile(there, 'new'), { code: 'EEXIST' }, there);
    assert.deepEqual(readdirSync(folder).sort(), ['file', 'link']);
    assert.equal(readFileSync(file, 'utf8'), 'old');
  });

  test('takes the place of another only when it is to: of the one that a link leads to, and its mode too', (t) => {
    const folder = tempDir(t);
    const [file, link] = [join(folder, 'elsewhere', 'file'), join(folder, 'link')];
    mkdirSync(join(folder, 'elsewhere'));
    writeFileSync(file, 'old');
    chmodSync(file, 0o644);
    symlinkSync(file, link);
    replacePrivateFile(link, 'new');
    assert.equal(readFileSync(file, 'utf8'), 'new');
    assert.equal(modeOf(file), '600');
    assert.ok(fs.lstatSync(link).isSymbolicLink());
    assert.deepEqual(readdirSync(join(folder, 'elsewhere')), ['file']);
  });

  test('never takes the place of what is no regular file', (t) => {
    const folder = join(tempDir(t), 'folder');
    mkdirSync(folder);
    const link = join(tempDir(t), 'null');
    symlinkSync('/dev/null', link);
    for (const other of [folder, link])
      assert.throws(() => replacePrivateFile(other, 'new'), /is not a regular file$/, other);
    assert.ok(statSync('/dev/null').isCharacterDevice());
  });

  test('is copied into place, and replaces nothing either, where there are no hard links', (t) => {
    // The only stand-in here: such a file system cannot be had without being root.
    const refused = Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
    const { mock } = t.mock.method(fs, 'linkSync', () => {
      throw refused;
    });
    syncBuiltinESMExports();
    t.after(() => {
      mock.restore();
      syncBuiltinESMExports();
    });
    const folder = tempDir(t);
    const file = join(folder, 'file');
    makePrivateFile(file, 'a secret\n');
    assert.equal(mock.callCount(), 1);
    assert.equal(modeOf(file), '600');
    assert.throws(() => makePrivateFile(file, 'another'), { code: 'EEXIST' });
    assert.equal(readFileSync(file, 'utf8'), 'a secret\n');
    assert.deepEqual(readdirSync(folder), ['file']);
  });
});
