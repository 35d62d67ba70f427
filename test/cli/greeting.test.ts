import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readConfig } from '../../actors/config.js';
import { shownUrl } from '../../actors/shown-url.js';
import { greeting } from '../../cli/greeting.js';
import { argus, MAIN } from '../support/argus.js';
import { startTestNats } from '../support/nats.js';
import { until } from '../support/until.js';
import { whereaboutsOf } from '../support/whereabouts.js';

const TOWER = `02${'ab'.repeat(32)}`;
const configOf = (flags: Record<string, string>) =>
  readConfig({ file: null, env: {}, flags: { data: '/d', ...flags } });
const up = { towerId: TOWER, natsUrl: 'nats://127.0.0.1:4222', webUrl: undefined };

describe('argus up says', () => {
  test('its id, and how each kind of client reaches it', () => {
    const config = configOf({ 'http.listen': '0.0.0.0:9814', 'http.rust_listen': '[::1]:99' });
    const onion = { host: 'abc.onion' };
    const httpUrls = ['http://0.0.0.0:9814', 'http://[::1]:99'];
    const said = greeting(config, { ...up, httpUrls, webUrl: 'http://127.0.0.1:9816', onion });
    assert.deepEqual(said.split('\n'), [
      `Tower ${TOWER} on mainnet is up.`,
      '  clients   nats://127.0.0.1:4222   argus.v1.register, .add_appointment, .get_appointment, .get_subscription_info, .info',
      `  clients   http://0.0.0.0:9814   TEOS, both generations: registertower ${TOWER}@HOST:9814`,
      `  clients   http://[::1]:99   TEOS, rust clients: registertower ${TOWER}@[::1]:99`,
      `  clients   http://abc.onion:9814   the same, through tor: registertower ${TOWER}@abc.onion:9814`,
      `  clients   http://abc.onion:99   the same, through tor: registertower ${TOWER}@abc.onion:99`,
      '  operator  argus info --network mainnet --data "/d" --nats nats://127.0.0.1:4222',
      '  page      http://127.0.0.1:9816   argus web prints the way in',
      '',
    ]);
  });

  test('that clients of this machine alone reach it, where that is so', () => {
    const here = { ...up, httpUrls: ['http://127.0.0.1:9814'] };
    assert.match(greeting(configOf({}), here), /\n {12}from this machine alone/);
    assert.doesNotMatch(greeting(configOf({}), { ...here, onion: { host: 'abc.onion' } }), /alone/);
    assert.match(
      greeting(configOf({}), { ...here, onion: { host: undefined } }),
      /\n {2}clients {3}no onion service yet/,
    );
  });

  test('no password that is in nats.url', () => {
    const url = 'nats://me:hush@10.0.0.1:4222,tls://token@[::1]:4222';
    const said = greeting(configOf({ 'nats.url': url }), { ...up, natsUrl: url, httpUrls: [] });
    assert.doesNotMatch(said, /hush|me:|token/);
    assert.equal(said.match(/nats:\/\/10\.0\.0\.1:4222,tls:\/\/\[::1\]:4222/g)?.length, 2);
  });
});

test('no command shows or logs a password of a NATS address', async (t) => {
  assert.equal(shownUrl('nats://a:b@c@host:1,nats://host:2'), 'nats://host:1,nats://host:2');
  const nats = await startTestNats(t);
  const { data, where } = whereaboutsOf(t, nats);
  const away = 'nats://me:hush@127.0.0.1:1';
  const at = ['--network', 'regtest', '--data', data, '--nats', away, '--nats-nkey', join(data, 'nats', 'node.nkey')];
  for (const command of [['info'], ['init'], ['audit', 'stats'], ['doctor'], ['migrate', '--dry-run']]) {
    const { status, stdout, stderr } = await argus([...command, ...at]);
    assert.equal(status, 1, `${command}: ${stderr}`);
    assert.match(`${stdout}${stderr}`, /127\.0\.0\.1:1/, command.join(' '));
    assert.doesNotMatch(`${stdout}${stderr}`, /hush/);
  }
  const stranger = await argus(['migrate', '--dry-run', '--from', away, ...where]);
  assert.match(stranger.stderr, /127\.0\.0\.1:1/);
  assert.doesNotMatch(stranger.stderr, /hush/);

  const node = spawn(process.execPath, [MAIN, 'up', ...at], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => void node.kill('SIGKILL'));
  let said = '';
  for (const stream of [node.stdout, node.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  await until('it waits for NATS', () => said.includes('waiting for it'));
  assert.match(said, /127\.0\.0\.1:1/);
  assert.doesNotMatch(said, /hush/);
});
