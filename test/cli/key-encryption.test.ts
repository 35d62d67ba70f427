import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readKeyExport } from '../../actors/key-export.js';
import { existingTowerKey, towerKey, towerOf } from '../../actors/secrets.js';
import { toHex } from '../../events/bytes.js';
import { exportedKeys } from '../fixtures/exported-keys.js';
import { type ArgusOptions, argus, MAIN, type Said } from '../support/argus.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';

const PASSPHRASE = 'the passphrase of a key';
const [backup] = exportedKeys;

function newNode(t: Cleanup) {
  const data = join(tempDir(t), 'data');
  const file = join(data, 'tower.key');
  const { towerId } = towerKey(file);
  return { data, file, towerId, secret: readFileSync(file, 'utf8').trim(), passphrase: passphraseFile(t, PASSPHRASE) };
}

function passphraseFile(t: Cleanup, text: string, mode = 0o600): string {
  const file = join(tempDir(t), 'passphrase');
  writeFileSync(file, `${text}\n`);
  chmodSync(file, mode);
  return file;
}

type Node = ReturnType<typeof newNode>;
const key = (what: string, { data }: Pick<Node, 'data'>, args: string[] = [], options: ArgusOptions = {}) =>
  argus(['key', what, ...args, '--data', data], options);
const byFile = ({ passphrase }: Node) => ['--key-passphrase-file', passphrase];
const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

/** The secret key in a node's folder, which is encrypted. */
const opened = async ({ file }: Node, passphrase = PASSPHRASE) =>
  toHex(await readKeyExport(readFileSync(file, 'utf8')).open(passphrase));

function failed({ status, stdout, stderr }: Said, said: RegExp): void {
  assert.deepEqual([status, stdout], [1, ''], stderr);
  assert.match(stderr, said);
  assert.equal(stderr.trimEnd().split('\n').length, 1);
}

async function encrypted(t: Cleanup): Promise<Node> {
  const node = newNode(t);
  assert.equal((await key('encrypt', node, byFile(node))).status, 0);
  return node;
}

describe('argus key encrypt', () => {
  test('leaves nothing of the key in the folder that the passphrase does not open', async (t) => {
    const node = newNode(t);
    const { status, stdout, stderr } = await key('encrypt', node, byFile(node));
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, new RegExp(`^The key of tower ${node.towerId} in .*tower\\.key is encrypted under the passp`));
    assert.equal(await opened(node), node.secret);
    assert.equal(modeOf(node.file), '600');
    assert.deepEqual(readdirSync(node.data), ['tower.key']);
    assert.ok(!readFileSync(node.file, 'utf8').includes(node.secret));
    const shown = await key('show', node, ['--json']);
    assert.deepEqual(JSON.parse(shown.stdout), { tower_id: node.towerId, file: node.file, encrypted: true });
  });

  test('of a key that is encrypted puts another passphrase in place of it, and wants the old one', async (t) => {
    const node = await encrypted(t);
    const another = passphraseFile(t, 'another passphrase');
    failed(await key('encrypt', node, ['--new-passphrase-file', another]), /is encrypted, and there is no terminal/);
    failed(await key('encrypt', node, byFile(node)), /there is no terminal/);
    const wrong = ['--key-passphrase-file', another, '--new-passphrase-file', another];
    failed(await key('encrypt', node, wrong), /tower\.key: the passphrase is not the one that it was encrypted with$/m);
    assert.equal(await opened(node), node.secret);
    const right = [...byFile(node), '--new-passphrase-file', another];
    assert.equal((await key('encrypt', node, right)).status, 0);
    assert.equal(await opened(node, 'another passphrase'), node.secret);
  });

  test('refuses a passphrase that is short, or for everybody to read', async (t) => {
    const node = newNode(t);
    const before = readFileSync(node.file);
    failed(
      await key('encrypt', node, ['--key-passphrase-file', passphraseFile(t, '1234567')]),
      /is too short: 8 characters/,
    );
    failed(
      await key('encrypt', node, ['--key-passphrase-file', passphraseFile(t, PASSPHRASE, 0o644)]),
      /can be read by everybody: chmod 600 /,
    );
    failed(await key('encrypt', node), /there is no terminal/);
    assert.deepEqual(readFileSync(node.file), before);
  });

  test('and all else takes no passphrase of the key from the environment', async (t) => {
    const env = { ARGUS_PASSPHRASE: PASSPHRASE };
    const node = newNode(t);
    failed(await key('encrypt', node, [], { env }), /there is no terminal/);
    assert.equal((await key('encrypt', node, byFile(node))).status, 0);
    for (const what of ['decrypt', 'export'])
      failed(await key(what, node, [], { env }), /tower\.key is encrypted, and .*give --key-passphrase-file$/m);
  });
});

describe('argus key decrypt', () => {
  test('makes the file again what it was', async (t) => {
    const node = await encrypted(t);
    const { status, stdout } = await key('decrypt', node, byFile(node));
    assert.equal(status, 0);
    assert.match(stdout, /is not encrypted any more\.$/m);
    assert.equal(readFileSync(node.file, 'utf8'), `${node.secret}\n`);
    assert.equal(modeOf(node.file), '600');
    failed(await key('decrypt', node, byFile(node)), /tower\.key is not encrypted$/m);
  });

  test('with the wrong passphrase changes nothing', async (t) => {
    const node = await encrypted(t);
    const before = readFileSync(node.file);
    const wrong = ['--key-passphrase-file', passphraseFile(t, 'not the passphrase')];
    failed(await key('decrypt', node, wrong), /tower\.key: the passphrase is not the one/);
    assert.deepEqual(readFileSync(node.file), before);
    assert.deepEqual(readdirSync(node.data), ['tower.key']);
  });
});

describe('an encrypted key', () => {
  test('is exported under a passphrase of the export, by the passphrase of the key', async (t) => {
    const node = await encrypted(t);
    const args = [...byFile(node), '--passphrase-file', passphraseFile(t, 'of the export')];
    const { status, stdout } = await key('export', node, args);
    assert.equal(status, 0);
    assert.equal(toHex(await readKeyExport(stdout).open('of the export')), node.secret);
  });

  test('comes to another node as it is, if that is wished', async (t) => {
    const data = join(tempDir(t), 'data');
    const exported = join(tempDir(t), 'backup.json');
    writeFileSync(exported, backup.text);
    const options = { env: { ARGUS_PASSPHRASE: backup.passphrase } };
    const wrong = { env: { ARGUS_PASSPHRASE: 'not the passphrase' } };
    failed(await key('import', { data }, [exported, '--encrypted'], wrong), /the passphrase is not the one/);
    assert.equal((await key('import', { data }, [exported, '--encrypted'], options)).status, 0);
    const kept = existingTowerKey(join(data, 'tower.key'));
    assert.ok('sealed' in kept);
    assert.equal(toHex(await kept.sealed.open(backup.passphrase)), backup.secret);
    // The key that is there is known without its passphrase.
    assert.equal((await key('import', { data }, [exported], options)).status, 0);
  });

  test("is opened with systemd's credential, unless a setting names a file", async (t) => {
    const node = await encrypted(t);
    const credentials = tempDir(t);
    writeFileSync(join(credentials, 'argus-key-passphrase'), PASSPHRASE, { mode: 0o400 });
    const env = { CREDENTIALS_DIRECTORY: credentials };
    const wrong = passphraseFile(t, 'not the passphrase');
    const byVariable = { env: { ...env, ARGUS_KEY_PASSPHRASE_FILE: wrong } };
    failed(await key('decrypt', node, [], byVariable), /the passphrase is not the one/);
    assert.equal((await key('decrypt', node, [], { env })).status, 0);
    assert.equal(readFileSync(node.file, 'utf8'), `${node.secret}\n`);
  });
});

test('a node whose key is encrypted does not start without the passphrase, says why, and makes nothing', async (t) => {
  const node = await encrypted(t);
  const up = (args: string[]) => argus(['up', '--network=regtest', '--data', node.data, ...args]);
  failed(await up([]), /^argus: .*tower\.key is encrypted, and there is no terminal .*: give --key-passphrase-file$/m);
  for (const [text, said] of [
    ['not the passphrase', /^argus: .*tower\.key: the passphrase is not the one that it was encrypted with$/m],
    ['', /^argus: the passphrase in .* is empty$/m],
  ] as const)
    failed(await up(['--key-passphrase-file', passphraseFile(t, text)]), said);
  failed(await up(['--key-passphrase-file', '/none']), /^argus: \/none cannot be read: ENOENT/m);
  chmodSync(node.file, 0o640);
  failed(await up(byFile(node)), /^argus: .*tower\.key can be read by others \(mode 640\): chmod 600 '.*tower\.key'$/m);
  assert.deepEqual(readdirSync(node.data), ['tower.key']);
});

/** Kills a command while it writes in the node's folder: at the first change that is seen there, or some later. */
async function killedWriting(what: string, node: Node, later: number): Promise<void> {
  let changes = 0;
  const watcher = watch(node.data);
  const child = spawn(process.execPath, [MAIN, 'key', what, ...byFile(node), '--data', node.data], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent' },
    stdio: 'ignore',
  });
  watcher.on('change', () => {
    if (changes++ === later) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  watcher.close();
}

test('there is a key at every moment, and what a killed attempt left is gone with the next', async (t) => {
  const node = newNode(t);
  let leftovers = 0;
  for (let round = 0; round < 8; round++) {
    const kept = existingTowerKey(node.file);
    const what = 'sealed' in kept ? 'decrypt' : 'encrypt';
    await killedWriting(what, node, round % 4);
    const now = existingTowerKey(node.file);
    if ('sealed' in now) assert.equal(toHex(await now.sealed.open(PASSPHRASE)), node.secret);
    else assert.equal(toHex(now.secret), node.secret);
    assert.equal(towerOf(now), node.towerId);
    leftovers += readdirSync(node.data).length - 1;
    for (const name of readdirSync(node.data)) assert.equal(modeOf(join(node.data, name)), '600');
    await key('sealed' in existingTowerKey(node.file) ? 'decrypt' : 'encrypt', node, byFile(node));
    assert.deepEqual(readdirSync(node.data), ['tower.key']);
  }
  t.diagnostic(`${leftovers} drafts were left behind by 8 killed attempts`);
});
