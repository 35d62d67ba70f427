import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readConfig } from '../../../actors/config.js';
import { examineMachine, nodeVersion } from '../../../cli/doctor/machine.js';
import { argus, MAIN } from '../../support/argus.js';
import { diagnose, has, linesOf } from '../../support/doctor-command.js';
import { tempDir } from '../../support/temp-dir.js';

const where = (data: string) => [
  '--network',
  'regtest',
  '--data',
  data,
  '--nats',
  'nats://127.0.0.1:1',
  '--bitcoind',
  'http://127.0.0.1:1',
];

describe('argus doctor, of a configuration', () => {
  test('names all that is wrong, and what to change', async (t) => {
    const data = tempDir(t);
    const file = join(data, 'argus.toml');
    writeFileSync(
      file,
      'locator_cache_size = 0\ncolour = "red"\n[limits]\nmax_users = -1\nsize = 3\n[bitcoind]\nurl = "ftp://x"\n',
    );
    const lines = await diagnose(['--data', data], { env: { ARGUS_HTTP_LISTEN: 'everywhere' } });
    assert.equal(lines.length, 6);
    for (const pattern of [
      /^problem configuration: .*argus\.toml: locator_cache_size: Too small.* -> correct locator_cache_size;/,
      /^problem configuration: .*argus\.toml: there is no setting colour -> docs\/configuration\.md/,
      /^problem configuration: .*argus\.toml: limits\.max_users: .* -> correct limits\.max_users;/,
      /^problem configuration: .*argus\.toml: there is no setting limits\.size -> /,
      /^problem configuration: .*argus\.toml: bitcoind\.url: must be like http:.* -> correct bitcoind\.url;/,
      /^problem configuration: environment variable ARGUS_HTTP_LISTEN: http\.listen: must be like .* -> correct http\.listen;/,
    ])
      has(lines, pattern);
    writeFileSync(
      file,
      '[bitcoind]\nuser = "me"\n[http]\ncert_file = "x"\n[subscription]\nslots = 5\n[limits]\nmax_slots_per_user = 4\n[nats]\nkey_file = "y"\n',
    );
    const together = await diagnose(['--data', data]);
    assert.equal(together.length, 4);
    has(together, /^problem configuration: bitcoind: give either cookie_file, or both user and password -> /);
    has(together, /^problem configuration: http: TLS needs both/);
    has(together, /^problem configuration: nats: TLS needs both/);
    has(together, /^problem configuration: limits\.max_slots_per_user: must not be less/);
    writeFileSync(file, 'network = ');
    has(await diagnose(['--data', data]), /^problem configuration: .*argus\.toml: not TOML: .* -> correct the file/);
  });

  test('has a table for people, with each cure under its problem', async (t) => {
    const { status, stdout, stderr } = await argus(['doctor', ...where(join(tempDir(t), 'data'))]);
    assert.deepEqual([status, stderr], [1, '']);
    assert.match(stdout, /^ok {7}configuration {2}regtest, node /);
    assert.match(
      stdout,
      /\nPROBLEM {2}bitcoind {7}no bitcoind answers at http:\/\/127\.0\.0\.1:1.*\n {24}-> start bitcoind with server=1/,
    );
    assert.match(stdout, /\n\n\d problems to be mended before a node is started, \d+ warnings?\n$/);
    const broken = await argus(['doctor', '--network', 'moon']);
    assert.equal(broken.status, 1);
    assert.match(broken.stdout, /\n\n1 problem to be mended/);
    assert.equal((await argus(['doctor', '--netwrk', 'x'])).status, 2);
  });
});

describe('argus doctor, of secrets', () => {
  test('names a key that others can read, a folder in which they can write, and a file that is no key', async (t) => {
    const data = tempDir(t);
    const key = join(data, 'tower.key');
    has(await diagnose(where(data)), /^ok keys: no .*tower\.key so far: argus up and argus init make one/);
    writeFileSync(key, `${'11'.repeat(32)}\n`, { mode: 0o600 });
    has(await diagnose(where(data)), /^ok keys: the key of tower 0[23][0-9a-f]{64}, in .*tower\.key$/);
    chmodSync(key, 0o644);
    has(
      await diagnose(where(data)),
      /^problem keys: .*tower\.key can be read by others \(mode 644\) -> chmod 600 '.*tower\.key'$/,
    );
    mkdirSync(join(data, 'nats'));
    const seed = join(data, 'nats', 'node.nkey');
    writeFileSync(seed, 'SU\n', { mode: 0o640 });
    chmodSync(seed, 0o640);
    const both = await diagnose(where(data));
    has(both, /^problem keys: .*tower\.key can be read by others/);
    has(both, /^problem keys: .*node\.nkey can be read by others \(mode 640\) -> chmod 600/);
    chmodSync(seed, 0o600);
    has(await diagnose(where(data)), /^problem keys: .*node\.nkey does not hold the seed of a NATS user key/);
    chmodSync(key, 0o600);
    writeFileSync(key, 'no key\n');
    has(await diagnose(where(data)), /^problem keys: .*tower\.key does not hold a tower key/);
    chmodSync(data, 0o777);
    has(await diagnose(where(data)), /^warning keys: .* can be written by others \(mode 777\), .* -> chmod 700 /);
  });

  test('tries the passphrase of an encrypted key', async (t) => {
    const data = tempDir(t);
    const passphrase = join(tempDir(t), 'passphrase');
    writeFileSync(passphrase, 'correct horse\n', { mode: 0o600 });
    writeFileSync(join(data, 'tower.key'), `${'11'.repeat(32)}\n`, { mode: 0o600 });
    const encrypted = await argus([
      'key',
      'encrypt',
      '--network',
      'regtest',
      '--data',
      data,
      '--new-passphrase-file',
      passphrase,
    ]);
    assert.equal(encrypted.status, 0, encrypted.stderr);
    const asked = await diagnose(where(data));
    has(asked, /^ok keys: the key of tower .*, encrypted, in /);
    has(asked, /^warning keys: the key is encrypted, and no file has its passphrase: .* -> key\.passphrase_file = /);
    has(
      await diagnose([...where(data), '--key-passphrase-file', passphrase]),
      /^ok keys: the passphrase in .* opens it$/,
    );
    writeFileSync(passphrase, 'battery staple\n');
    const wrong = await diagnose([...where(data), '--key-passphrase-file', passphrase]);
    has(wrong, /^problem keys: .* -> the key's passphrase as the first line of /);
    assert.ok(!wrong.join().includes('battery'));
    has(
      await diagnose([...where(data), '--key-passphrase-file', `${passphrase}.none`]),
      /^problem keys: .*cannot be read/,
    );
  });
});

/** Whether this process may mount a file system that nobody else sees. */
const mounts = spawnSync('unshare', ['--mount', 'true']).status === 0;

describe('argus doctor, of a machine', () => {
  test('says what is free, what is tight, and which Node is too old', async (t) => {
    const config = readConfig({
      env: {},
      flags: { network: 'regtest', data: join(tempDir(t), 'not', 'there', 'yet') },
    });
    const of = async (disk: { tight: number; full: number }) =>
      (await examineMachine(config, disk)).find(({ area }) => area === 'disk');
    assert.equal((await of({ tight: 1, full: 1 }))?.state, 'ok');
    assert.equal((await of({ tight: 2 ** 60, full: 1 }))?.state, 'warning');
    assert.equal((await of({ tight: 2 ** 60, full: 2 ** 60 }))?.state, 'problem');
    const all = { tight: 1, full: 1 };
    const memory = (await examineMachine(config, all, { tight: 2 ** 60, full: 2 ** 60 })).find(({ what }) =>
      what.includes('memory'),
    );
    assert.ok(process.platform !== 'linux' || memory?.state === 'problem');
    assert.deepEqual([nodeVersion('18.20.0').state, nodeVersion('20.19.0').state], ['problem', 'ok']);
  });

  test('finds a disk that is nearly full', { skip: mounts ? false : 'no file system can be mounted here' }, (t) => {
    const folder = tempDir(t);
    const script = 'mount -t tmpfs -o size=64m none "$0" && exec "$@"';
    const args = ['--mount', 'sh', '-c', script, folder, process.execPath, MAIN, 'doctor', '--json', ...where(folder)];
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
    assert.equal(stderr, '');
    const { findings } = JSON.parse(stdout);
    const disk = findings.find(({ area }: { area: string }) => area === 'disk');
    assert.equal(disk.state, 'problem');
    assert.match(disk.what, /^only \d+ MB free for .*: a full disk stops the tower$/);
  });
});

test('what broke off is a line and no crash', async (t) => {
  const data = join(tempDir(t), 'file');
  writeFileSync(data, '');
  const lines = await diagnose(where(data));
  assert.ok(linesOf(lines, 'problem').length > 0);
});
