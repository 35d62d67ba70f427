import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readKeyExport } from '../../actors/key-export.js';
import { towerKey } from '../../actors/secrets.js';
import { exportedKeys } from '../fixtures/exported-keys.js';
import { MAIN } from '../support/argus.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';

// util-linux's `script` gives a program a terminal.
const hasScript = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');
const skip = hasScript ? false : 'there is no util-linux script';

const PASSPHRASE = 'grüne Kästen';

/** A command at a terminal of its own. Its stdin and, unless told, its stdout lead elsewhere. */
function atTerminal(t: Cleanup, args: readonly string[], { stdout = '/dev/null' } = {}) {
  const line = 'exec "$0" "$@" < /dev/null > "$STDOUT"';
  const words = ['/bin/sh', '-c', line, process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qefc', words, '/dev/null'], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', SHELL: '/bin/sh', STDOUT: stdout },
  });
  t.after(() => void child.kill('SIGKILL'));
  let seen = '';
  child.stdout.on('data', (text) => {
    seen += text;
  });
  const exited = new Promise<number | null>((resolve) => void child.on('close', resolve));
  return {
    /** Types, when a question is asked. */
    answer: async (question: string, text: string) => {
      await until(`${question}\n${seen}`, () => seen.includes(question));
      child.stdin.write(text);
    },
    /** How it ended, and all that was to be seen. */
    end: async () => ({ status: await exited, seen: seen.replaceAll('\r\n', '\n') }),
  };
}

describe('at a terminal', { skip }, () => {
  test('a new passphrase is asked for twice, a known one once, and neither is shown', async (t) => {
    const [data, other, file] = [tempDir(t), tempDir(t), join(tempDir(t), 'exported.json')];
    const { towerId } = towerKey(join(data, 'tower.key'));
    const exporting = atTerminal(t, ['key', 'export', '--data', data], { stdout: file });
    await exporting.answer('Passphrase: ', `${PASSPHRASE}\r`);
    await exporting.answer('Again: ', `${PASSPHRASE}!\x7f\r`);
    assert.deepEqual(await exporting.end(), { status: 0, seen: 'Passphrase: \nAgain: \n' });
    await readKeyExport(readFileSync(file, 'utf8')).open(PASSPHRASE);
    const importing = atTerminal(t, ['key', 'import', file, '--data', other]);
    await importing.answer('Passphrase: ', `${PASSPHRASE}\r`);
    assert.deepEqual(await importing.end(), { status: 0, seen: 'Passphrase: \n' });
    assert.equal(towerKey(join(other, 'tower.key')).towerId, towerId);
  });

  test("that of the tower's own key is called so, new or known", async (t) => {
    const data = tempDir(t);
    const { towerId } = towerKey(join(data, 'tower.key'));
    const [known, fresh] = ["Passphrase of the tower's key: ", "New passphrase of the tower's key: "];
    const encrypting = atTerminal(t, ['key', 'encrypt', '--data', data]);
    await encrypting.answer(fresh, `${PASSPHRASE}\r`);
    await encrypting.answer('Again: ', `${PASSPHRASE}\r`);
    assert.deepEqual(await encrypting.end(), { status: 0, seen: `${fresh}\nAgain: \n` });
    const changing = atTerminal(t, ['key', 'encrypt', '--data', data]);
    await changing.answer(known, `${PASSPHRASE}\r`);
    await changing.answer(fresh, `${PASSPHRASE}!\r`);
    await changing.answer('Again: ', `${PASSPHRASE}!\r`);
    assert.deepEqual(await changing.end(), { status: 0, seen: `${known}\n${fresh}\nAgain: \n` });
    const decrypting = atTerminal(t, ['key', 'decrypt', '--data', data]);
    await decrypting.answer(known, `${PASSPHRASE}!\r`);
    assert.deepEqual(await decrypting.end(), { status: 0, seen: `${known}\n` });
    assert.equal(towerKey(join(data, 'tower.key')).towerId, towerId);
  });

  test('a node asks for it before anything else, and ends when it is broken off', async (t) => {
    const data = tempDir(t);
    writeFileSync(join(data, 'tower.key'), exportedKeys[0].text, { mode: 0o600 });
    const known = "Passphrase of the tower's key: ";
    const starting = atTerminal(t, ['up', '--network', 'regtest', '--data', data]);
    await starting.answer(known, '\x03');
    const { status, seen } = await starting.end();
    assert.equal(status, 1);
    assert.match(
      seen,
      /^Passphrase of the tower's key: \nargus: .*tower\.key is encrypted, and no passphrase was given/,
    );
  });

  test('two that are not the same, and Ctrl-C, end it', async (t) => {
    const [data, file] = [tempDir(t), join(tempDir(t), 'exported.json')];
    towerKey(join(data, 'tower.key'));
    const differing = atTerminal(t, ['key', 'export', file, '--data', data]);
    await differing.answer('Passphrase: ', `${PASSPHRASE}\r${PASSPHRASE}?\r`);
    const said = 'Passphrase: \nAgain: \nargus: the two passphrases are not the same\n';
    assert.deepEqual(await differing.end(), { status: 1, seen: said });
    for (const key of ['\x03', '\x04']) {
      const broken = atTerminal(t, ['key', 'export', file, '--data', data]);
      await broken.answer('Passphrase: ', key);
      assert.deepEqual(await broken.end(), { status: 1, seen: 'Passphrase: \nargus: no passphrase was given\n' });
    }
    assert.ok(!existsSync(file));
  });
});
