import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { SecretFileError } from '../../actors/secret-file.js';
import { existingNatsSeed, existingTowerKey, natsSeed, publicNkey, towerKey, towerOf } from '../../actors/secrets.js';
import { toHex, utf8 } from '../../events/bytes.js';
import { signerIs } from '../../events/signing/message.js';
import { exportedKeys } from '../fixtures/exported-keys.js';
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
    assert.deepEqual(Object.keys(key), ['towerId', 'identities', 'sign', 'copySecret', 'wipe']);
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

describe("the tower's key in memory", () => {
  test('is gone when it is wiped, and signs nothing any more', (t) => {
    const key = towerKey(fileOf(t, exchange.towerSecret));
    const copy = new Uint8Array(32);
    key.copySecret(copy);
    assert.equal(toHex(copy), exchange.towerSecret);
    key.wipe();
    key.copySecret(copy);
    assert.equal(toHex(copy), '00'.repeat(32));
    assert.throws(() => key.sign(utf8('a receipt')), RangeError);
  });

  test('that is asked only which tower it is of is wiped at once', (t) => {
    const kept = existingTowerKey(fileOf(t, exchange.towerSecret.toUpperCase()));
    assert.ok('secret' in kept);
    assert.equal(towerOf(kept), exchange.towerId);
    assert.equal(toHex(kept.secret), '00'.repeat(32));
  });
});

describe("an encrypted tower's key", () => {
  const [{ text, towerId, passphrase, secret }] = exportedKeys;

  test('says which tower it is of, signs nothing without a passphrase, and is opened by it', async (t) => {
    const file = fileOf(t, text);
    isRefused(towerKey, file, /is encrypted: it takes a passphrase/);
    const kept = existingTowerKey(file);
    assert.ok('sealed' in kept);
    assert.equal(towerOf(kept), towerId);
    assert.equal(toHex(await kept.sealed.open(passphrase)), secret);
    await assert.rejects(kept.sealed.open(`${passphrase}.`), {
      code: 'wrong-passphrase',
      message: `${file}: the passphrase is not the one that it was encrypted with`,
    });
  });

  test('that is cut off or damaged says so, and which file', (t) => {
    for (const [bad, said] of [
      [text.slice(0, 100), /is cut off/],
      [text.replace('131072', '131073'), /is damaged/],
      ['{}', /not a tower key/],
    ] as const) {
      const file = fileOf(t, bad);
      for (const read of [towerKey, existingTowerKey])
        assert.throws(
          () => read(file),
          (error: Error) => error.message.startsWith(`${file}: `) && said.test(error.message),
        );
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

test('a secret of another user is refused', {
  skip: process.geteuid?.() !== 0 && 'only root gives files away',
}, (t) => {
  const file = fileOf(t, exchange.towerSecret);
  chownSync(file, 4321, 4321);
  isRefused(towerKey, file, /belongs to user 4321, who may change it, not to 0: chown 0 /, exchange.towerSecret);
});

test('a secret behind a symbolic link is judged by what the link leads to', (t) => {
  const link = join(tempDir(t), 'link');
  symlinkSync(fileOf(t, exchange.towerSecret, 0o640), link);
  isRefused(towerKey, link, /mode 640.*chmod 600/, exchange.towerSecret);
  const good = join(tempDir(t), 'link');
  symlinkSync(fileOf(t, exchange.towerSecret), good);
  assert.equal(towerKey(good).towerId, exchange.towerId);
});

test('a secret that is a pipe is not waited for', (t) => {
  const pipe = join(tempDir(t), 'pipe');
  spawnSync('mkfifo', ['-m', '600', pipe]);
  isRefused(towerKey, pipe, /cannot be read: it is not a regular file/);
});

test('a secret that cannot be read says why', (t) => {
  const folder = tempDir(t);
  chmodSync(folder, 0o700);
  isRefused(towerKey, folder, /cannot be read: it is not a regular file/);
});
