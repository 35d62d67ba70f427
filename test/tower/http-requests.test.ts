import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dialect } from '../../events/signing/receipts.js';
import { HEADERS, post, request, send, spellJson, told } from '../support/http.js';
import { error, HttpUser } from '../support/http-user.js';
import { startTestTower } from '../support/tower.js';

/** What is wrong with a request before anybody looks at its fields, and /ping (teos-protocol A3 and A8). */

const PATHS = ['/register', '/add_appointment', '/get_appointment', '/get_subscription_info'];

test('requests over HTTP: every line of A3 and A8', async (t) => {
  const settings = { 'http.listen': '127.0.0.1:0', 'limits.max_blob_bytes': '2048' };
  const tower = await startTestTower(t, { settings });
  const url = () => tower.node.httpUrls[0] ?? '';
  const ask = async (dialect: Dialect, path: string, body: string, headers = HEADERS[dialect]) =>
    told(await send(url(), request('POST', path, headers, body)));
  const typed = (dialect: Dialect, type: string) =>
    HEADERS[dialect].map((line) => (/^content-type/i.test(line) ? `Content-Type: ${type}` : line));
  const most = (path: string) => (path === '/add_appointment' ? 2 * 2048 + 1024 : 1024);

  for (const path of PATHS) {
    await t.test(`${path}: another content type (differs for rust: JSON instead of plain text)`, async () => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
        const python = await ask('python', path, '{"a": 1}', typed('python', type));
        assert.deepEqual(python, error(400, -65, 'Request is not json encoded'));
        const rust = await ask('rust', path, '{"a":1}', typed('rust', type));
        assert.deepEqual(rust, error(415, 6, 'The content type has to be application/json'));
      }
    });

    await t.test(`${path}: JSON that is no object (for python); a wrong type (for rust)`, async () => {
      for (const body of ['[]', '"text"', '7', 'null', 'true']) {
        assert.deepEqual(await ask('python', path, body), error(400, -65, 'Invalid request content'));
        const rust = error(400, 3, 'invalid type: the request is not a JSON object');
        assert.deepEqual(await ask('rust', path, body), rust);
      }
    });

    await t.test(`${path}: no JSON (differs for python: JSON instead of HTML)`, async () => {
      for (const body of ['', '{', '{"a":}', "{'a':1}", '{"a":NaN}', '{"a":1}}']) {
        assert.deepEqual(await ask('python', path, body), error(400, -65, 'Invalid request content'));
        assert.deepEqual(await ask('rust', path, body), error(400, 6, 'The request is not JSON'));
      }
    });

    await t.test(
      `${path}: too long (differs: higher limits, for python too, and JSON instead of plain text)`,
      async () => {
        const json = (dialect: Dialect, bytes: number) => {
          const without = spellJson[dialect]({ a: '' }).length;
          return spellJson[dialect]({ a: 'x'.repeat(bytes - without) });
        };
        const limit = most(path);
        for (const bytes of [limit + 1, 10 * limit]) {
          const python = error(400, -65, `Invalid request content: more than ${limit} bytes`);
          assert.deepEqual(await ask('python', path, json('python', bytes)), python);
          const rust = error(413, 6, `The request is longer than ${limit} bytes`);
          assert.deepEqual(await ask('rust', path, json('rust', bytes)), rust);
        }
        const [, fits] = await ask('rust', path, json('rust', limit));
        assert.match(JSON.stringify(fits), /missing field/);
      },
    );

    await t.test(`${path}: another method (differs: JSON instead of HTML or plain text)`, async () => {
      for (const dialect of Dialect.options)
        for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
          const answer = await send(url(), request(method, path, HEADERS[dialect], '{}'));
          assert.deepEqual(told(answer), error(405, 6, 'This path takes POST only'));
          assert.equal(answer.headers.get('allow'), 'POST');
        }
    });
  }

  await t.test('another path (differs: 404 for rust too, and JSON instead of HTML or plain text)', async () => {
    for (const dialect of Dialect.options)
      for (const path of ['/', '/registers', '/REGISTER', '/register/anything', '/add_appointment/', '//register']) {
        assert.deepEqual(await ask(dialect, path, '{}'), error(404, 6, 'There is nothing at this path'), path);
      }
  });

  await t.test('a query and a content type with its charset are nobody’s mistake', async () => {
    const user = new HttpUser(url, 'rust');
    const body = `{"user_id":"${user.userId}"}`;
    for (const type of ['application/json; charset=utf-8', 'APPLICATION/JSON'])
      assert.equal((await ask('rust', '/register?x=1', body, typed('rust', type)))[0], 200);
    assert.equal((await ask('rust', '/register', body, ['accept: */*']))[0], 200, 'and without any content type');
  });

  await t.test('a request in chunks, without a length (differs: the rust tower answers 411)', async () => {
    const user = new HttpUser(url, 'rust');
    const body = `{"user_id":"${user.userId}"}`;
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const headers = [...HEADERS.rust, 'transfer-encoding: chunked'];
    assert.equal((await send(url(), request('POST', '/register', headers) + chunked)).status, 200);
    // Neither chunks nor a length: there is no body.
    assert.deepEqual(
      told(await send(url(), request('POST', '/register', HEADERS.rust))),
      error(400, 6, 'The request is not JSON'),
    );
  });

  await t.test('a refusal says why in a header, too; a success has none', async () => {
    const user = new HttpUser(url, 'rust');
    const register = (body: string) => send(url(), request('POST', '/register', HEADERS.rust, body));
    assert.equal((await register('{}')).headers.get('argus-reason'), 'malformed-request');
    assert.equal((await register(`{"user_id":"${user.userId}"}`)).headers.get('argus-reason'), undefined);
    const nobody = await post(url(), 'python', '/get_subscription_info', { signature: 'y'.repeat(104) });
    assert.equal(nobody.headers.get('argus-reason'), 'authentication-failed');
  });

  await t.test('GET /ping: 200 and nothing else, also while bitcoind is down', async () => {
    const ping = async () => {
      const { status, body } = await send(url(), request('GET', '/ping', ['accept: */*']));
      return [status, body];
    };
    assert.deepEqual(await ping(), [200, '']);
    const posted = await send(url(), request('POST', '/ping', HEADERS.rust, '{}'));
    assert.deepEqual(told(posted), error(405, 6, 'This path takes GET only'));
    assert.equal(posted.headers.get('allow'), 'GET, HEAD');
    await tower.bitcoind.stop();
    assert.deepEqual(await ping(), [200, '']);
  });
});
