import assert from 'node:assert/strict';
import { createHash, scryptSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import fc from 'fast-check';
import { exportKey, KeyExportError, type KeyExportProblem, readKeyExport } from '../../actors/key-export.js';
import { fromHex, toHex, utf8 } from '../../events/bytes.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { exportedKeys } from '../fixtures/exported-keys.js';

const [vector] = exportedKeys;

/** So cheap that a test may try thousands. */
const CHEAP = { n: 2, r: 1, p: 1 };
const secret = new Uint8Array(createHash('sha256').update('a secret').digest());
const cheapExport = () => exportKey(secret, 'a passphrase', CHEAP);

/** What becomes of an attempt: the code of the error that it ends with. It quotes nothing of the file. */
async function problemOf(text: string, passphrase = 'a passphrase'): Promise<KeyExportProblem | undefined> {
  try {
    await readKeyExport(text).open(passphrase);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof KeyExportError, String(error));
    assert.ok(!error.message.includes(passphrase));
    return error.code;
  }
}

/** The same file with other values in it, and the checksum that goes with them. */
function forged(text: string, changes: object): string {
  const { checksum: _checksum, ...rest } = { ...JSON.parse(text), ...changes };
  const checksum = createHash('sha256').update(JSON.stringify(rest)).digest('hex');
  return JSON.stringify({ ...rest, checksum });
}

/** The same file with another plaintext in it, sealed as the description of the format has it. */
function resealed(text: string, plaintext: Uint8Array): string {
  const { key: _key, checksum: _checksum, ...header } = JSON.parse(text);
  const { n, r, p, salt, nonce } = header;
  const key = scryptSync('a passphrase', fromHex(salt), 32, { N: n, r, p });
  const cipher = xchacha20poly1305(new Uint8Array(key), fromHex(nonce), utf8(JSON.stringify(header)));
  return forged(text, { key: toHex(cipher.encrypt(plaintext)) });
}

describe('an exported key', () => {
  for (const { version, text, passphrase, secret, towerId } of exportedKeys)
    test(`of version ${version} is read for ever`, async () => {
      const sealed = readKeyExport(text);
      assert.equal(sealed.towerId, towerId);
      assert.equal(toHex(await sealed.open(passphrase)), secret);
      assert.equal(await problemOf(text, `${passphrase}.`), 'wrong-passphrase');
    });

  test('costs whoever guesses its passphrase 128 MiB a guess', async () => {
    const { n, r, p } = JSON.parse(await exportKey(secret, 'a passphrase'));
    assert.deepEqual({ n, r, p }, { n: 131072, r: 8, p: 1 });
  });

  test('gives back any key under any passphrase, and under no other', async () => {
    const anySecret = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .filter((bytes) => secp256k1.isValidSecretKey(bytes));
    const passphrase = fc.string({ unit: 'binary', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(anySecret, passphrase, passphrase, async (bytes, right, other) => {
        const before = toHex(bytes);
        const sealed = readKeyExport(await exportKey(bytes, right, CHEAP));
        assert.equal(sealed.towerId, toHex(secp256k1.publicKey(bytes)));
        assert.equal(toHex(await sealed.open(right)), before);
        assert.equal(toHex(bytes), before, 'what was exported is not wiped');
        if (other.normalize('NFC') !== right.normalize('NFC'))
          await assert.rejects(sealed.open(other), { code: 'wrong-passphrase' });
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test('is another one each time, and shows nothing of the key', async () => {
    const [one, two] = [JSON.parse(await cheapExport()), JSON.parse(await cheapExport())];
    for (const field of ['salt', 'nonce', 'key', 'checksum']) assert.notEqual(one[field], two[field], field);
    assert.ok(!JSON.stringify(one).includes(toHex(secret).slice(0, 8)));
  });

  test('takes a passphrase that is composed in another way, as other keyboards do', async () => {
    assert.equal(await problemOf(vector.text, vector.passphrase.normalize('NFD')), undefined);
    assert.notEqual(vector.passphrase.normalize('NFD'), vector.passphrase);
  });

  test('may be laid out otherwise', async () => {
    const text = await cheapExport();
    const turned = Object.fromEntries(Object.entries(JSON.parse(text)).reverse());
    for (const same of [JSON.stringify(JSON.parse(text)), text.replaceAll('\n', '\r\n'), JSON.stringify(turned)])
      assert.equal(await problemOf(same), undefined, same);
    assert.equal(await problemOf(`\ufeff${text}\n\n`), undefined);
  });

  test('is not made of what is no key', async () => {
    await assert.rejects(exportKey(new Uint8Array(32), 'a passphrase', CHEAP), RangeError);
    await assert.rejects(exportKey(secret.subarray(1), 'a passphrase', CHEAP), RangeError);
  });
});

describe('what cannot be opened says why', () => {
  test('cut off, wherever', async () => {
    const text = (await cheapExport()).trimEnd();
    for (let length = 0; length < text.length; length++)
      assert.equal(await problemOf(text.slice(0, length)), 'truncated', text.slice(0, length));
  });

  test('with any one bit flipped: never taken, nor is the passphrase blamed', async () => {
    const bytes = utf8((await cheapExport()).trimEnd());
    const problems = new Map<KeyExportProblem | undefined, number>();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const problem = await problemOf(new TextDecoder().decode(flipped));
      problems.set(problem, (problems.get(problem) ?? 0) + 1);
    }
    assert.deepEqual([...problems.keys()].sort(), ['damaged', 'foreign', 'newer', 'truncated']);
    // Whose it is and of which version can only be told by the places that say so.
    assert.ok((problems.get('damaged') ?? 0) > 0.9 * bytes.length * 8, JSON.stringify([...problems]));
  });

  test('of another maker', async () => {
    for (const text of ['hello', '11'.repeat(32), '-----BEGIN PGP MESSAGE-----', '[]', 'null', '7', '{"version":3}'])
      assert.equal(await problemOf(text), 'foreign', text);
  });

  test('of a newer version, whatever else is in it', async () => {
    for (const text of ['{"format":"argus-tower-key","v":2}', forged(await cheapExport(), { v: 99, kdf: 'argon2id' })])
      assert.equal(await problemOf(text), 'newer', text);
    for (const v of [0, -1, 1.5, '2', null])
      assert.equal(await problemOf(forged(await cheapExport(), { v })), 'damaged', String(v));
  });

  test('with fields that are wrong, missing or too many', async () => {
    const text = await cheapExport();
    const { nonce, ...without } = JSON.parse(text);
    for (const changes of [
      { tower_id: '00' },
      { n: 3 },
      { n: 1 },
      { n: 0.5 },
      { r: 0 },
      { p: '1' },
      { salt: 'ab' },
      { nonce: nonce.toUpperCase() },
      { key: '00' },
      { kdf: 'none' },
      { cipher: 'none' },
      { more: 1 },
    ])
      assert.equal(await problemOf(forged(text, changes)), 'damaged', JSON.stringify(changes));
    assert.equal(await problemOf(JSON.stringify(without)), 'damaged');
  });

  test('that would take more memory or time than there is', async () => {
    const text = await cheapExport();
    for (const cost of [
      { n: 2 ** 40, r: 8, p: 1 },
      { n: 2 ** 21, r: 8, p: 1 },
      { n: 2, r: 2 ** 40, p: 1 },
      { n: 2, r: 1, p: 2 ** 40 },
      { n: 2 ** 17, r: 8, p: 17 },
    ])
      assert.equal(await problemOf(forged(text, cost)), 'too-costly', JSON.stringify(cost));
  });

  test('altered on purpose: what the file says of itself is sealed with the key', async () => {
    const text = await cheapExport();
    for (const changes of [
      { tower_id: vector.towerId },
      { n: 4 },
      { r: 2 },
      { p: 2 },
      { salt: '00'.repeat(32) },
      { nonce: '00'.repeat(24) },
      { key: '00'.repeat(48) },
    ])
      assert.equal(await problemOf(forged(text, changes)), 'wrong-passphrase', JSON.stringify(changes));
  });

  test('with the key of another tower, or none, in it', async () => {
    const text = await cheapExport();
    for (const plaintext of [new Uint8Array(32).fill(2), new Uint8Array(32), new Uint8Array(32).fill(0xff)])
      assert.equal(await problemOf(resealed(text, plaintext)), 'other-key', toHex(plaintext));
    assert.equal(await problemOf(resealed(text, secret)), undefined);
  });
});
