import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readKeyExport } from '../../actors/key-export.js';
import { towerKey } from '../../actors/secrets.js';
import { toHex } from '../../events/bytes.js';
import { exportedKeys } from '../fixtures/exported-keys.js';
import { argus, type Said } from '../support/argus.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';

const PASSPHRASE = 'a long passphrase';
const byEnvironment = { env: { ARGUS_PASSPHRASE: PASSPHRASE } };
const [backup] = exportedKeys;
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

/** A node's folder, with a tower's key in it. */
function newNode(t: Cleanup) {
  const { data, file } = emptyNode(t);
  const { towerId } = towerKey(file);
  return { data, file, towerId, secret: readFileSync(file, 'utf8').trim() };
}

function emptyNode(t: Cleanup) {
  const data = join(tempDir(t), 'data');
  return { data, file: join(data, 'tower.key') };
}

function backupFile(t: Cleanup, text: string = backup.text): string {
  const file = join(tempDir(t), 'backup.json');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const key = (what: string, { data }: { data: string }, args: string[] = [], options = {}) =>
  argus(['key', what, ...args, '--data', data], options);

/** The command did what it should, and said this much about it. */
const succeeded = ({ status, stdout, stderr }: Said, said = '') =>
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: said, stderr: '' });

function failed({ status, stdout, stderr }: Said, said: RegExp, expected = 1): void {
  assert.deepEqual([status, stdout], [expected, ''], stderr);
  assert.match(stderr.trimEnd(), said);
  assert.equal(stderr.trimEnd().split('\n').length, 1);
}

describe('argus key show', () => {
  test('names the tower and the file, and never the key', async (t) => {
    const node = newNode(t);
    succeeded(await key('show', node), `tower id   ${node.towerId}\nfile       ${node.file}\nencrypted  false\n`);
    succeeded(
      await key('show', node, ['--json']),
      `{"tower_id":"${node.towerId}","file":"${node.file}","encrypted":false}\n`,
    );
  });

  test('makes none', async (t) => {
    const node = emptyNode(t);
    for (const what of ['show', 'export'])
      failed(
        await key(what, node, [], byEnvironment),
        /^argus: there is no .*tower\.key: argus up makes one, argus key/,
      );
    assert.ok(!existsSync(node.data));
  });
});

describe('argus key export', () => {
  test('gives to a file, and to stdout, what the passphrase opens', async (t) => {
    const node = newNode(t);
    const file = join(tempDir(t), 'exported.json');
    const said = `The key of tower ${node.towerId} is in ${file}, under the passphrase.\n`;
    succeeded(await key('export', node, [file], byEnvironment), said);
    assert.equal(modeOf(file), '600');
    for (const args of [[], ['-']]) {
      const { status, stdout, stderr } = await key('export', node, args, byEnvironment);
      assert.deepEqual([status, stderr], [0, '']);
      for (const text of [stdout, readFileSync(file, 'utf8')]) {
        assert.equal(toHex(await readKeyExport(text).open(PASSPHRASE)), node.secret);
        assert.ok(!text.includes(node.secret));
      }
    }
    assert.equal(readFileSync(node.file, 'utf8'), `${node.secret}\n`);
  });

  test('takes the place of another file only when it is forced to', async (t) => {
    const node = newNode(t);
    const file = backupFile(t, 'something else');
    failed(await key('export', node, [file], byEnvironment), /^argus: .*backup\.json is there already: --force repl/);
    assert.equal(readFileSync(file, 'utf8'), 'something else');
    assert.equal((await key('export', node, [file, '--force'], byEnvironment)).status, 0);
    assert.equal(readKeyExport(readFileSync(file, 'utf8')).towerId, node.towerId);
    assert.equal(modeOf(file), '600');
  });

  test('never takes the place of the key itself, nor of a device or a folder', async (t) => {
    const node = newNode(t);
    const link = join(tempDir(t), 'link');
    symlinkSync(node.file, link);
    for (const file of [node.file, link])
      failed(await key('export', node, [file, '--force'], byEnvironment), /is the key that the node runs with/);
    assert.equal(readFileSync(node.file, 'utf8'), `${node.secret}\n`);
    for (const file of ['/dev/null', node.data])
      failed(
        await key('export', node, [file, '--force'], byEnvironment),
        /cannot be written: .* is not a regular file/,
      );
    const nowhere = join(node.data, 'none', 'file');
    failed(await key('export', node, [nowhere], byEnvironment), /none\/file cannot be written: ENOENT/);
    assert.deepEqual(readdirSync(node.data), ['tower.key']);
  });
});

describe('argus key import', () => {
  test('makes the key of one node that of another, for its owner alone', async (t) => {
    const [node, other] = [newNode(t), emptyNode(t)];
    const { stdout: text } = await key('export', node, [], byEnvironment);
    const said = `The key of tower ${node.towerId} is in ${other.file}.\n`;
    succeeded(await key('import', other, ['-'], { ...byEnvironment, input: text }), said);
    assert.equal(readFileSync(other.file, 'utf8'), `${node.secret}\n`);
    assert.deepEqual([modeOf(other.file), modeOf(other.data)], ['600', '700']);
    assert.deepEqual(readdirSync(other.data), ['tower.key']);
  });

  test('of the key that is there says nothing and changes nothing, but wants the passphrase', async (t) => {
    const node = newNode(t);
    const file = backupFile(t, (await key('export', node, [], byEnvironment)).stdout);
    const before = statSync(node.file);
    for (const force of [[], ['--force']]) succeeded(await key('import', node, [file, ...force], byEnvironment));
    assert.deepEqual([statSync(node.file).ino, statSync(node.file).mtimeMs], [before.ino, before.mtimeMs]);
    const wrong = { env: { ARGUS_PASSPHRASE: 'another' } };
    failed(await key('import', node, [file], wrong), /backup\.json: the passphrase is not the one/);
  });

  test('takes the place of the key of another tower only when it is forced to, and says which', async (t) => {
    const node = newNode(t);
    const file = backupFile(t);
    const options = { env: { ARGUS_PASSPHRASE: backup.passphrase } };
    const refused = await key('import', node, [file], options);
    failed(refused, new RegExp(`^argus: .*tower\\.key is the key of tower ${node.towerId}, which would be lost`));
    assert.ok(refused.stderr.includes(backup.towerId));
    assert.equal(towerKey(node.file).towerId, node.towerId);
    const said = `The key of tower ${backup.towerId} is in ${node.file}, in the place of that of tower ${node.towerId}.\n`;
    succeeded(await key('import', node, [file, '--force'], options), said);
    assert.equal(readFileSync(node.file, 'utf8'), `${backup.secret}\n`);
  });

  test('takes the place of what is no key, or can be read by others, when it is forced to', async (t) => {
    const [broken, open] = [newNode(t), newNode(t)];
    writeFileSync(broken.file, 'no key');
    chmodSync(open.file, 0o644);
    const options = { env: { ARGUS_PASSPHRASE: backup.passphrase } };
    const file = backupFile(t);
    failed(await key('import', broken, [file], options), /does not hold a tower key/);
    failed(await key('import', open, [file], options), /can be read by others \(mode 644\)/);
    for (const node of [broken, open]) {
      assert.equal((await key('import', node, [file, '--force'], options)).status, 0);
      assert.equal(towerKey(node.file).towerId, backup.towerId);
      assert.equal(modeOf(node.file), '600');
    }
  });

  test('of what is no exported key says why, before it wants a passphrase, and makes nothing', async (t) => {
    const node = emptyNode(t);
    for (const [text, said] of [
      ['hello', /backup\.json: not a tower key as argus key export writes it$/],
      ['', /backup\.json: an exported tower key that is cut off: copy it again$/],
      [backup.text.slice(0, 300), /is cut off/],
      [backup.text.replace('131072', '131073'), /is damaged/],
      [backup.text.replace('"v": 1', '"v": 2'), /of format version 2: it takes a newer Argus to read it$/],
      ['{'.repeat(70_000), /is longer than 65536 bytes$/],
    ] as const)
      failed(await key('import', node, [backupFile(t, text)]), said);
    const bytes = join(tempDir(t), 'bytes');
    writeFileSync(bytes, Uint8Array.of(0xff, 0xfe));
    failed(await key('import', node, [bytes]), /bytes is not text \(UTF-8\)$/);
    failed(await key('import', node, [join(node.data, 'none')]), /none cannot be read: ENOENT/);
    failed(await key('import', node, ['-', '--passphrase-file', '-']), /^argus: stdin can be .*, not both$/, 2);
    assert.ok(!existsSync(node.data));
  });
});

describe('a passphrase', () => {
  test("is a file's first line, or that of stdin, before the environment's", async (t) => {
    const node = newNode(t);
    const file = join(tempDir(t), 'passphrase');
    writeFileSync(file, `${PASSPHRASE}\r\nand a second line\n`, { mode: 0o600 });
    const exported = [
      await key('export', node, ['--passphrase-file', file], { env: { ARGUS_PASSPHRASE: 'this is not it' } }),
      await key('export', node, ['--passphrase-file', '-'], { input: PASSPHRASE }),
      await key('export', node, ['--passphrase-file', '-'], { input: `${PASSPHRASE}\nand a second line\n` }),
    ];
    for (const { stdout } of exported) assert.equal(toHex(await readKeyExport(stdout).open(PASSPHRASE)), node.secret);
  });

  test('that is none, or too short, is refused', async (t) => {
    const node = newNode(t);
    const empty = backupFile(t, '\n');
    const byFile = ['--passphrase-file', empty];
    failed(
      await key('export', node),
      /^argus: there is no terminal to ask .* give --passphrase-file or ARGUS_PASSPHRASE$/,
    );
    failed(await key('export', node, byFile), /^argus: the passphrase in .*backup\.json is too short: 8 characters/);
    failed(await key('export', node, [], { env: { ARGUS_PASSPHRASE: '1234567' } }), /^argus: ARGUS_PASSPHRASE is too /);
    failed(await key('export', node, ['--passphrase-file', '/none']), /^argus: \/none cannot be read: ENOENT/);
    failed(await key('import', node, [backupFile(t), '--force', ...byFile]), /backup\.json is empty$/);
    assert.equal(towerKey(node.file).towerId, node.towerId);
  });
});
