import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import pino from 'pino';
import { TorControl } from '../../../actors/tor/control.js';
import { OnionService, targetsOf } from '../../../actors/tor/onion-service.js';
import { signIn } from '../../../actors/tor/sign-in.js';
import { tempDir } from '../../support/temp-dir.js';
import { NO_TOR, startTestTor, type TestTor } from '../../support/tor.js';
import { until } from '../../support/until.js';

/** A service of a tor, and what it logs. */
function serviceOf(t: TestContext, tor: Pick<TestTor, 'port'>, keyFile: string, passwordFile?: string) {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(line) });
  const config = { control: { host: '127.0.0.1', port: tor.port }, passwordFile };
  const targets = targetsOf(['http://127.0.0.1:9814', 'http://[::]:9815']);
  const service = new OnionService({ config, keyFile, targets, log, lookMs: 100 });
  t.after(() => service.stop());
  return { service, logged };
}

/** What tor has of services that belong to a line, whose ever it is. */
async function detached(tor: TestTor): Promise<string> {
  const control = await TorControl.connect({ path: tor.socket });
  try {
    await signIn(control, undefined);
    return (await control.ask('GETINFO onions/detached')).join();
  } finally {
    control.close();
  }
}

describe('an onion service of a real tor, without a network', { skip: NO_TOR }, () => {
  test('has an address, which it keeps, by a key that others may not read', async (t) => {
    const tor = await startTestTor(t);
    const keyFile = join(tempDir(t), 'onion.key');
    const first = serviceOf(t, tor, keyFile);
    const host = await first.service.start(10_000);
    assert.match(host ?? '', /^[a-z2-7]{56}\.onion$/);
    assert.match(first.logged.join(''), new RegExp(`"onion":"${host}".*tor serves the tower`));
    assert.equal(statSync(keyFile).mode & 0o777, 0o600);
    const key = readFileSync(keyFile, 'utf8');
    assert.match(key, /^ED25519-V3:/);
    assert.ok(!first.logged.join('').includes(key.slice(11, 40)));
    assert.doesNotMatch(await detached(tor), /[a-z2-7]{56}/, 'it is gone with the node');
    await first.service.stop();
    assert.equal(first.service.host, undefined);
    assert.equal(await serviceOf(t, tor, keyFile).service.start(10_000), host);
    assert.equal(readFileSync(keyFile, 'utf8'), key);
  });

  test('is there again when tor is', async (t) => {
    const tor = await startTestTor(t);
    const { service, logged } = serviceOf(t, tor, join(tempDir(t), 'onion.key'));
    const host = await service.start(10_000);
    await tor.stop();
    await until('it says so', () => logged.some((line) => line.includes('tor is gone')));
    await until('it waits', () => logged.some((line) => line.includes('there is no onion service')));
    assert.equal(service.host, undefined);
    await tor.start();
    assert.equal(await until('it is back', () => service.host), host);
    assert.equal(logged.filter((line) => line.includes('there is no onion service')).length, 1, 'said once');
  });

  test('takes a password, and says so where it is wrong', async (t) => {
    const password = 'a "quoted" \\ one';
    const tor = await startTestTor(t, { password });
    const file = join(tempDir(t), 'password');
    writeFileSync(file, 'hush\n', { mode: 0o600 });
    const wrong = serviceOf(t, tor, join(tempDir(t), 'onion.key'), file);
    assert.equal(await wrong.service.start(500), undefined);
    assert.match(wrong.logged.join(''), /tor does not take the password in .*HashedControlPassword/);
    assert.doesNotMatch(wrong.logged.join(''), /hush/);
    await wrong.service.stop();
    const cookie = serviceOf(t, tor, join(tempDir(t), 'onion.key'));
    assert.equal(await cookie.service.start(500), undefined);
    assert.match(cookie.logged.join(''), /tor takes HASHEDPASSWORD alone: tor\.password_file/);
    await cookie.service.stop();
    writeFileSync(file, `${password}\nanother line\n`);
    const right = serviceOf(t, tor, join(tempDir(t), 'onion.key'), file);
    assert.match((await right.service.start(10_000)) ?? '', /\.onion$/);
  });

  test('is not made of a key that is none, or that others can read; until it is mended', async (t) => {
    const tor = await startTestTor(t);
    const keyFile = join(tempDir(t), 'onion.key');
    writeFileSync(keyFile, 'ED25519-V3:AAAA\n', { mode: 0o600 });
    const odd = serviceOf(t, tor, keyFile);
    assert.equal(await odd.service.start(500), undefined);
    assert.match(odd.logged.join(''), /does not hold the key of an onion service/);
    await odd.service.stop();
    chmodSync(keyFile, 0o644);
    const open = serviceOf(t, tor, keyFile);
    assert.equal(await open.service.start(500), undefined);
    assert.match(open.logged.join(''), /can be read by others.*chmod 600/);
  });

  test('is not there where no tor is; and a stop waits for nothing', async (t) => {
    const { service, logged } = serviceOf(t, { port: 1 }, join(tempDir(t), 'onion.key'));
    assert.equal(await service.start(300), undefined);
    assert.match(logged.join(''), /no tor answers at 127\.0\.0\.1:1: connect ECONNREFUSED/);
    const asked = performance.now();
    await service.stop();
    assert.ok(performance.now() - asked < 1_000);
  });
});

test('the ports of an onion service lead to the HTTP addresses, from this machine', () => {
  assert.deepEqual(
    targetsOf([
      'http://0.0.0.0:1',
      'https://[::]:2',
      'http://[fe80::1]:3',
      'http://10.0.0.1:4',
      'https://10.0.0.1:443',
    ]),
    [
      { port: 1, to: '127.0.0.1:1' },
      { port: 2, to: '[::1]:2' },
      { port: 3, to: '[fe80::1]:3' },
      { port: 4, to: '10.0.0.1:4' },
      { port: 443, to: '10.0.0.1:443' },
    ],
  );
});
