import assert from 'node:assert/strict';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { WebToken } from '../../actors/web-token.js';
import { argus } from '../support/argus.js';
import { startTestTower, type TestTower } from '../support/tower.js';
import { until } from '../support/until.js';

const settings = { 'web.listen': '127.0.0.1:0' };
const urlOf = (tower: TestTower): string => tower.node.webUrl ?? assert.fail('no page');
const tokenOf = (tower: TestTower): WebToken => WebToken.of(tower.config.data);

/** The cookie that a browser is given for the token. */
async function signIn(tower: TestTower): Promise<string> {
  const answer = await fetch(`${urlOf(tower)}/login?token=${tokenOf(tower).text}`, { redirect: 'manual' });
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get('location'), '/');
  const [cookie = '', ...rules] = (answer.headers.get('set-cookie') ?? '').split('; ');
  assert.deepEqual(rules.slice(0, 3), ['HttpOnly', 'SameSite=Strict', 'Path=/']);
  assert.ok(!cookie.includes(tokenOf(tower).text), 'the token is not in it');
  return cookie;
}

const PATHS = [
  '/',
  '/main.js',
  '/api/glance',
  '/api/timeline?id=00',
  '/api/at?height=1',
  '/api/growth',
  '/api/live',
  '/x',
];

test('who has not the token is told nothing, whatever is asked', async (t) => {
  const tower = await startTestTower(t, { settings });
  const url = urlOf(tower);
  const cookie = await signIn(tower);
  const name = cookie.slice(0, cookie.indexOf('='));
  for (const shown of [
    '',
    `${name}=`,
    `${name}=${tokenOf(tower).text}`,
    `${name}=${'0'.repeat(64)}`,
    `other_${cookie}`,
  ])
    for (const path of [...PATHS, '/login', '/login?token=', `/login?token=${tokenOf(tower).session}`]) {
      const answer = await fetch(url + path, { headers: { cookie: shown }, redirect: 'manual' });
      const text = await answer.text();
      assert.equal(answer.status, 401, `${path} with ${shown}`);
      assert.match(text, /argus web/);
      for (const secret of [tower.key.towerId, 'regtest', tokenOf(tower).text, tokenOf(tower).session])
        assert.ok(!text.includes(secret), `${path} tells ${secret}`);
    }
  assert.equal((await fetch(url, { method: 'POST', headers: { cookie } })).status, 405);
  assert.equal((await fetch(`${url}/api/glance`, { headers: { cookie } })).status, 200);
  assert.ok(
    tower.said.every((line) => !JSON.stringify(line).includes(tokenOf(tower).text)),
    'nor is it in the log',
  );
});

test('every answer forbids the browser what the page does not need', async (t) => {
  const tower = await startTestTower(t, { settings });
  const cookie = await signIn(tower);
  for (const path of PATHS.filter((path) => path !== '/api/live'))
    for (const headers of [{ cookie }, { cookie: '' }]) {
      const answer = await fetch(urlOf(tower) + path, { headers });
      await answer.text();
      assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self';/);
      assert.doesNotMatch(answer.headers.get('content-security-policy') ?? '', /unsafe|\*|http/);
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(answer.headers.get('x-frame-options'), 'DENY');
      assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
    }
});

test('what is asked wrongly is refused with a reason; so many pages are told of what happens, and no more', async (t) => {
  const tower = await startTestTower(t, { settings });
  const cookie = await signIn(tower);
  const ask = async (path: string) => {
    const answer = await fetch(urlOf(tower) + path, { headers: { cookie } });
    return [answer.status, z.object({ error: z.string() }).parse(await answer.json()).error] as const;
  };
  assert.deepEqual(await ask('/api/nothing'), [404, 'there is no such thing']);
  assert.deepEqual(await ask('/api/constructor'), [404, 'there is no such thing']);
  assert.deepEqual(await ask('/api/at?height=-1'), [400, 'height is a number']);
  assert.match((await ask('/api/at?height=999999'))[1], /^no block of height 999999 is on this log/);
  assert.match((await ask('/api/timeline?id=zz'))[1], /^that is not a user id/);
  const stop = new AbortController();
  const follow = () => fetch(`${urlOf(tower)}/api/live`, { headers: { cookie }, signal: stop.signal });
  for (let i = 0; i < 16; i++) assert.equal((await follow()).status, 200);
  assert.equal((await follow()).status, 503);
  stop.abort();
  await until('there is room again', async () => {
    const again = new AbortController();
    const { status } = await fetch(`${urlOf(tower)}/api/live`, { headers: { cookie }, signal: again.signal });
    again.abort();
    return status === 200;
  });
});

test('says that a node is not healthy, and why', async (t) => {
  const tower = await startTestTower(t, { settings });
  const cookie = await signIn(tower);
  const Health = z.object({ healthy: z.boolean(), complaints: z.array(z.object({ text: z.string() })) });
  const health = async () => {
    const answer = await fetch(`${urlOf(tower)}/api/glance`, { headers: { cookie } });
    return Health.parse(await answer.json());
  };
  assert.deepEqual(await health(), { healthy: true, complaints: [] });
  await tower.bitcoind.stop();
  await until('it complains', async () => !(await health()).healthy);
  assert.match((await health()).complaints[0]?.text ?? '', /^bitcoind of node one does not answer$/);
  await tower.nats.stop();
  await until('it complains of NATS, too', async () =>
    (await health()).complaints.some(({ text }) => /no connection to NATS/.test(text)),
  );
});

test('an address that is taken is no reason for a node not to start; whichever page there is shows all nodes', async (t) => {
  const tower = await startTestTower(t, { settings });
  const taken = new URL(urlOf(tower)).host;
  const two = await tower.startNode('two', { settings: { 'web.listen': taken } });
  assert.equal(two.webUrl, undefined);
  assert.ok(tower.said.some(({ msg, address }) => /web page is not shown/.test(msg) && address === taken));
  const answer = await fetch(`${urlOf(tower)}/api/glance`, { headers: { cookie: await signIn(tower) } });
  const { nodes } = z.object({ nodes: z.array(z.object({ node: z.string() })) }).parse(await answer.json());
  assert.deepEqual(
    nodes.map(({ node }) => node),
    ['one', 'two'],
  );
});

test('argus web prints the address with the token, which only its owner may read', async (t) => {
  const tower = await startTestTower(t, { settings });
  const { data } = tower.config;
  const where = ['web', '--network', 'regtest', '--data', data];
  const shown = await argus([...where, '--web', new URL(urlOf(tower)).host]);
  assert.equal(shown.stdout, `${urlOf(tower)}/login?token=${tokenOf(tower).text}\n`);
  const file = join(data, 'web.token');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match((await argus([...where, '--web', 'off'])).stderr, /the web page is off: set listen/);
  assert.match(
    (await argus([...where, '--web', '127.0.0.1:1'])).stderr,
    /no web page at http:\/\/127.0.0.1:1: is the node up/,
  );
  chmodSync(file, 0o644);
  assert.match((await argus([...where, '--web', new URL(urlOf(tower)).host])).stderr, /chmod 600/);
});
