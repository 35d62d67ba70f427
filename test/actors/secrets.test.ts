import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { existingNatsSeed, natsSeed, publicNkey, SecretFileError, towerKey } from '../../actors/secrets.js';
import { utf8 } from '../../events/bytes.js';
import { signerIs } from '../../events/signing/message.js';
import { exchange } from '../fixtures/teos-vectors.js';
import { tempDir } from '../support/temp-dir.js';

const newFile = (t: TestContext) => join(tempDir(t), 'a folder', 'of its own', 'secret');
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

/** A file with this text that only its owner may read, unless told. */
function fileOf(t: TestContext, text: string, mode = 0o600): string {
  const file = join(tempDir(t), 'secret');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** The error says which file, and does not quote what is in it. */
const isRefused = (read: (file: string) => unknown, file: string, message: RegExp, text = '') =>
  assert.throws(
    () => read(file),
    (error) => {
      assert.ok(error instanceof SecretFileError && error.code === 'secret-file', String(error));
      assert.match(error.message, message);
      assert.ok(error.message.includes(file));
      assert.ok(text === '' || !error.message.includes(text));
      return true;
    },
  );

describe("the tower's key", () => {
  test('is made on first use, for its owner alone, and kept', (t) => {
    const file = newFile(t);
    const { towerId } = towerKey(file);
    assert.equal(modeOf(file), '600');
    assert.equal(modeOf(join(file, '..')), '700');
    assert.match(readFileSync(file, 'utf8'), /^[0-9a-f]{64}\n$/);
    const before = readFileSync(file);
    assert.equal(towerKey(file).towerId, towerId);
    assert.deepEqual(readFileSync(file), before);
  });

  test('is another one in another file', (t) => {
    assert.notEqual(towerKey(newFile(t)).towerId, towerKey(newFile(t)).towerId);
  });

  test('is the one that the file holds', (t) => {
    const { towerId, sign } = towerKey(fileOf(t, `  ${exchange.towerSecret}\n`));
    assert.equal(towerId, exchange.towerId);
    assert.ok(signerIs(utf8('a receipt'), sign(utf8('a receipt')), towerId));
  });

  test('cannot be printed by accident', (t) => {
    const key = towerKey(fileOf(t, exchange.towerSecret));
    assert.ok(!JSON.stringify(key).includes(exchange.towerSecret));
    assert.deepEqual(Object.keys(key), ['towerId', 'sign', 'copySecret']);
  });

  test('is refused if it is none, and the file is left as it is', (t) => {
    const group = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
    for (const text of ['', 'a secret', 'zz'.repeat(32), 'ab'.repeat(31), 'ab'.repeat(33), '00'.repeat(32), group]) {
      const file = fileOf(t, text);
      isRefused(towerKey, file, /does not hold a tower key/, text);
      assert.equal(readFileSync(file, 'utf8'), text);
    }
  });
});

describe('a NATS seed', () => {
  test('is made on first use, for its owner alone, and kept', (t) => {
    const file = newFile(t);
    const seed = natsSeed(file);
    assert.match(seed, /^SU[A-Z2-7]{56}$/);
    assert.match(publicNkey(seed), /^U[A-Z2-7]{55}$/);
    assert.equal(modeOf(file), '600');
    assert.equal(natsSeed(file), seed);
    assert.equal(existingNatsSeed(file), seed);
  });

  test('that must be there is not made', (t) => {
    const file = newFile(t);
    isRefused(existingNatsSeed, file, /^there is no .*argus nkeys/);
    isRefused(existingNatsSeed, file, /^there is no /);
  });

  test('is refused if it is none', (t) => {
    for (const text of ['', 'SUAAAA', 'a secret that is none'])
      for (const read of [natsSeed, existingNatsSeed])
        isRefused(read, fileOf(t, text), /does not hold the seed of a NATS user key/, text);
  });
});

describe('a secret that others may read', () => {
  for (const mode of [0o640, 0o604, 0o660, 0o610, 0o644])
    test(`with mode ${mode.toString(8)} is refused, and left so`, (t) => {
      const key = fileOf(t, exchange.towerSecret, mode);
      isRefused(towerKey, key, new RegExp(`mode ${mode.toString(8)}.*chmod 600`), exchange.towerSecret);
      assert.equal(modeOf(key), mode.toString(8));
      isRefused(natsSeed, fileOf(t, 'SU', mode), /can be read by others/);
    });

  test('with less than 600 is taken', (t) => {
    assert.equal(towerKey(fileOf(t, exchange.towerSecret, 0o400)).towerId, exchange.towerId);
  });
});

test('a secret that cannot be read says why', (t) => {
  const folder = tempDir(t);
  chmodSync(folder, 0o700);
  isRefused(towerKey, folder, /cannot be read: EISDIR/);
});
