import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readConfig } from '../../actors/config.js';
import { refusal } from '../support/config-texts.js';
import { tempDir } from '../support/temp-dir.js';

describe('a configuration that cannot be used is refused with one line', () => {
  test('that names the setting and the file it is in', (t) => {
    assert.match(refusal(t, 'locator_cache_size = 0'), /^FILE: locator_cache_size: Too small/);
    for (const serve of ['"some"', '""', '"3-1"', '"0-"', '-1', '"0,,1"'])
      assert.match(refusal(t, `[log]\nserve = ${serve}`), /^FILE: log\.serve: must be like 0-3,7, or 'all'/);
    assert.match(refusal(t, '[log]\nshards = "many"'), /^FILE: log\.shards: .*expected number/);
    assert.match(refusal(t, 'network = "moon"'), /^FILE: network: .*"mainnet"/);
    assert.match(refusal(t, 'bitcoind = 5'), /^FILE: bitcoind: .*expected object/);
    assert.match(refusal(t, 'data = 1979-05-27'), /^FILE: data: .*expected string/);
    assert.match(refusal(t, '[nats]\nurl = "http://nats"'), /^FILE: nats\.url: must be like nats:/);
    assert.match(refusal(t, '[nats]\nurl = "nats://a,http://b"'), /^FILE: nats\.url: must be like nats:/);
    assert.match(refusal(t, '[nats]\nurl = "nats://a,"'), /^FILE: nats\.url: must be like nats:/);
    assert.match(refusal(t, 'node = "a name"'), /^FILE: node: must be letters/);
  });

  test('or the environment variable', (t) => {
    const env = { ARGUS_BITCOIND_POLL_SECONDS: '0.5' };
    assert.match(
      refusal(t, '[bitcoind]\npoll_seconds = 5', env),
      /^environment variable ARGUS_BITCOIND_POLL_SECONDS: bitcoind\.poll_seconds: /,
    );
  });

  test('or the flag', (t) => {
    const flags = { 'bitcoind.url': 'ftp://x' };
    assert.match(refusal(t, '', { ARGUS_BITCOIND_URL: 'http://x' }, flags), /^flag: bitcoind\.url: must be like http:/);
  });

  test('where there is no such setting', (t) => {
    assert.equal(refusal(t, 'colour = "red"'), 'FILE: there is no setting colour');
    assert.equal(refusal(t, '[bitcoind]\ncolour = "red"'), 'FILE: there is no setting bitcoind.colour');
    assert.equal(refusal(t, '[colours]\nred = 1'), 'FILE: there is no setting colours');
    assert.equal(refusal(t, '[colours]'), 'FILE: there is no setting colours');
    const variable = 'environment variable ARGUS_LOG_COLOUR: there is no setting log.colour';
    assert.equal(refusal(t, '', { ARGUS_LOG_COLOUR: 'red' }), variable);
  });

  test('where the file is not TOML, or not there', (t) => {
    assert.match(refusal(t, 'network = '), /^FILE: not TOML: /);
    const file = join(tempDir(t), 'none.toml');
    assert.throws(() => readConfig({ file, env: {}, flags: {} }), {
      code: 'config',
      message: /none\.toml: cannot be read/,
    });
  });

  test('rather than that a section in the file and a value in the environment hide one another', (t) => {
    assert.match(refusal(t, 'bitcoind = 5', { ARGUS_BITCOIND_URL: 'http://x' }), /^FILE: bitcoind: .*expected object/);
  });
});
