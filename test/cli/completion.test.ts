import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { argus } from '../support/argus.js';
import { tempDir } from '../support/temp-dir.js';

/** Lines as somebody types them, and what a shell offers then; all of it, or what begins with the same. */
const OFFERED: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ['argus key ex', ['export']],
  ['argus key', ['key']],
  ['argus inv', ['invite']],
  ['argus up --net', ['--network']],
  ['argus up --network ', ['mainnet', 'testnet', 'testnet4', 'signet', 'regtest']],
  ['argus up --network te', ['testnet', 'testnet4']],
  ['argus help doc', ['doctor']],
  // The value of an option is no command.
  ['argus --data key ke', ['key']],
  ['argus info --data up --js', ['--json']],
];

/** What bash has found by the function that it calls for this line. */
const ASK_BASH = `
eval "$1"
complete -p argus >/dev/null || exit 9
read -ra COMP_WORDS <<<"$2"
[[ $2 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_argus
printf '%s\\n' "\${COMPREPLY[@]}"`;

const run = (program: string, ...args: string[]) => spawnSync(program, args, { encoding: 'utf8' });
const without = (shell: string) => (run(shell, '--version').status === 0 ? false : `there is no ${shell}`);
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe('argus completion', () => {
  const scripts = new Map<string, string>();
  before(async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { status, stdout, stderr } = await argus(['completion', shell]);
      assert.deepEqual([status, stderr], [0, ''], shell);
      scripts.set(shell, stdout);
    }
  });
  const scriptOf = (shell: string) => scripts.get(shell) ?? assert.fail();

  test('has bash complete commands, options and the values that are known', { skip: without('bash') }, () => {
    const ask = (line: string) => run('bash', '--norc', '-c', ASK_BASH, 'bash', scriptOf('bash'), line);
    for (const [line, offered] of OFFERED) {
      const { status, stdout, stderr } = ask(line);
      assert.deepEqual([status, stderr, lines(stdout)], [0, '', offered], line);
    }
    assert.deepEqual(lines(ask('argus up --data ').stdout), [], 'bash itself offers files');
    assert.deepEqual(lines(ask('argus describe ').stdout).slice(0, 2), ['http', 'nats']);
  });

  test('knows every command of the help', { skip: without('bash') }, async () => {
    const { stdout } = await argus(['--help']);
    const listed = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name);
    assert.ok(listed.length > 15);
    const { stdout: offered } = run('bash', '--norc', '-c', ASK_BASH, 'bash', scriptOf('bash'), 'argus ');
    assert.deepEqual(
      lines(offered).filter((word) => !word.startsWith('-')),
      listed,
    );
  });

  test('does so for fish', { skip: without('fish') }, (t) => {
    const file = join(tempDir(t), 'argus.fish');
    writeFileSync(file, scriptOf('fish'));
    for (const [line, offered] of OFFERED) {
      const { stdout } = run('fish', '--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', file, line);
      assert.deepEqual(
        lines(stdout)
          .map((found) => found.split('\t')[0])
          .sort(),
        [...offered].sort(),
        line,
      );
    }
  });

  test('is in the language of zsh', { skip: without('zsh') }, () => {
    const { status, stderr } = run('zsh', '-f', '-n', '-c', scriptOf('zsh'));
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('of another shell is not understood; and who mistypes is told what was meant', async () => {
    assert.equal((await argus(['completion', 'tcsh'])).status, 2);
    for (const [typed, meant] of [
      [['dcotor'], 'doctor'],
      [['key', 'exprot'], 'export'],
      [['info', '--jsno'], '--json'],
    ] as const) {
      const { status, stderr } = await argus(typed);
      assert.equal(status, 2);
      assert.match(stderr, new RegExp(`\\(Did you mean ${meant}\\?\\)`));
    }
  });
});
