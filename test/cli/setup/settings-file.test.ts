import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkConfig, readConfig } from '../../../actors/config.js';
import { packageRoot } from '../../../actors/package-root.js';
import { settings, settingsFile } from '../../../cli/setup/settings-file.js';
import { fileOf } from '../../support/config-texts.js';

const readFile = (file: string) => readConfig({ file, env: {}, flags: {} });

describe('the settings that argus init writes', () => {
  test('say nothing unless they are set: the file is read as none', (t) => {
    assert.deepEqual(readFile(fileOf(t, settingsFile({}))), readFile(fileOf(t, '')));
  });

  test('have a line for every setting there is, which is one that can be read', (t) => {
    const text = settingsFile({});
    const lines = text.split('\n').filter((line) => /^#\w+ = /.test(line));
    assert.equal(lines.length, settings().length);
    assert.ok(lines.length > 50);
    const file = fileOf(t, text.replace(/^#(\w+ = )/gm, '$1'));
    const checked = checkConfig({ file, env: {}, flags: {} });
    // Each can be used by itself; of a server of one's own and others', of a cookie and a password one is to be chosen.
    assert.deepEqual('problems' in checked && checked.problems.map(({ message }) => message), [
      'nats: clients_listen is for a node that starts its own servers; with nats.url or nats.clients_url there is none of its own for clients',
      'bitcoind: give either cookie_file, or both user and password',
    ]);
  });

  test('have the defaults of the schema behind the marks', (t) => {
    const text = settings().reduce(
      (file, { key, fallback }) => (fallback === undefined ? file : file.replace(`\n#${key} = `, `\n${key} = `)),
      settingsFile({}),
    );
    assert.deepEqual(readFile(fileOf(t, text)), readFile(fileOf(t, '')));
  });

  test('are read back as they were set, whatever is in them', (t) => {
    const password = "a\"b\\c # 'é' = [x]\t";
    const set = {
      network: 'regtest',
      'bitcoind.user': 'me',
      'bitcoind.password': password,
      'limits.max_users': 7,
      'registration.policy': 'invite',
      'http.listen': 'off',
    };
    const { network, bitcoind, limits, registration, http } = readFile(fileOf(t, settingsFile(set)));
    assert.deepEqual(
      [network, bitcoind.auth, limits.maxUsers, registration.policy, http.listen],
      ['regtest', { user: 'me', password }, 7, 'invite', []],
    );
  });

  test('are all in docs/configuration.md', () => {
    const text = readFileSync(join(packageRoot, 'docs', 'configuration.md'), 'utf8');
    const missing = settings().filter(
      ({ path, section, key }) => !text.includes(`\`${path}\``) && !(section !== '' && text.includes(`\`.${key}\``)),
    );
    assert.deepEqual(missing, []);
  });
});
