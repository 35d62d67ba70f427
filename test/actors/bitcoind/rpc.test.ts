import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BitcoindRpc } from '../../../actors/bitcoind/rpc.js';
import { BitcoindRefused, BitcoindUnauthorized, BitcoindUnreachable } from '../../../actors/bitcoind/rpc-errors.js';
import { packageRoot } from '../../../actors/package-root.js';
import { startTestBitcoind } from '../../support/bitcoind.js';
import { makeAuthority, noCertificates } from '../../support/certificates.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';

test('answers come back, many at once; an error keeps its code', async (t) => {
  const { rpc } = await startTestBitcoind(t, { extraArgs: ['-rpcthreads=1', '-rpcworkqueue=16'] });
  const heights = Array.from({ length: 300 }, () => rpc.call('getblockcount'));
  assert.deepEqual(new Set(await Promise.all(heights)), new Set([0]));
  await assert.rejects(rpc.call('getblockhash', 7), refused(-8));
  await assert.rejects(rpc.call('nosuchmethod'), refused(-32601));
  await assert.rejects(rpc.call('getblock', 7, { no: 'hash' }), BitcoindRefused);
});

test('a restart is an outage and then a new cookie, which is read', async (t) => {
  const bitcoind = await startTestBitcoind(t);
  const { rpc } = bitcoind;
  await rpc.call('getblockcount');
  await bitcoind.stop();
  await assert.rejects(rpc.call('getblockcount'), BitcoindUnreachable);
  await bitcoind.restart();
  const calls = Array.from({ length: 20 }, () => rpc.call('getblockcount'));
  assert.deepEqual(new Set(await Promise.all(calls)), new Set([0]));
  renameSync(bitcoind.cookieFile, `${bitcoind.cookieFile}.away`);
  const newcomer = new BitcoindRpc({ url: bitcoind.rpcUrl, auth: { cookieFile: bitcoind.cookieFile } });
  await assert.rejects(newcomer.call('getblockcount'), BitcoindUnreachable);
  renameSync(`${bitcoind.cookieFile}.away`, bitcoind.cookieFile);
  assert.equal(await newcomer.call('getblockcount'), 0);
});

test('wrong credentials are not an outage; right ones of the configuration work', async (t) => {
  const password = 'p:w'; // a colon belongs to the password
  const bitcoind = await startTestBitcoind(t, {
    extraArgs: [`-rpcauth=argus:00$${createHmac('sha256', '00').update(password).digest('hex')}`],
  });
  const as = (user: string, password: string) => new BitcoindRpc({ url: bitcoind.rpcUrl, auth: { user, password } });
  assert.equal(await as('argus', password).call('getblockcount'), 0);
  await assert.rejects(as('argus', 'wrong').call('getblockcount'), BitcoindUnauthorized);
  const stale = join(tempDir(t), '.cookie');
  writeFileSync(stale, '__cookie__:of-another');
  const rpc = new BitcoindRpc({ url: bitcoind.rpcUrl, auth: { cookieFile: stale } });
  await assert.rejects(rpc.call('getblockcount'), BitcoindUnauthorized);
});

/** Answers that a real bitcoind gives only for a moment, or never. */
const OUTAGES: Record<string, (response: ServerResponse) => void> = {
  'warming up': (response) => json(response, 500, { result: null, error: { code: -28, message: 'Loading…' }, id: 1 }),
  'a full work queue': (response) => text(response, 503, 'Work queue depth exceeded'),
  'a gateway in between': (response) => text(response, 502, 'Bad Gateway'),
  'a page of something else': (response) => text(response, 200, '<html>'),
  'no JSON': (response) => json(response, 200, undefined),
  'a connection that breaks': (response) => response.destroy(),
  silence: () => {},
};
for (const [what, answer] of Object.entries(OUTAGES))
  test(`${what} is an outage`, async (t) => {
    const rpc = await rpcOf(t, answer);
    await assert.rejects(rpc.call('getblockcount'), BitcoindUnreachable);
  });

test('many calls that are answered without their ids, or by one answer, are an outage', async (t) => {
  const warmUp = { result: null, error: { code: -28, message: 'Loading…' }, id: null };
  for (const answer of [[warmUp, warmUp], warmUp]) {
    const rpc = await rpcOf(t, (response) => json(response, 200, answer));
    await assert.rejects(rpc.callMany('getblockhash', [[1], [2]]), BitcoindUnreachable);
  }
});

test('forbidden is unauthorized, and no proxy is used', async (t) => {
  process.env.HTTP_PROXY = 'http://127.0.0.1:1';
  t.after(() => delete process.env.HTTP_PROXY);
  const rpc = await rpcOf(t, (response) => text(response, 403, ''));
  await assert.rejects(rpc.call('getblockcount'), BitcoindUnauthorized);
});

test('nobody but who the operator named is sent anything, whatever an answer asks for', async (t) => {
  const elsewhere: string[] = [];
  const other = createServer((request, response) => {
    elsewhere.push(`${request.method} ${request.url}`);
    json(response, 200, { result: 1, error: null, id: 1 });
  });
  t.after(() => other.close());
  t.after(() => other.closeAllConnections());
  await once(other.listen(0, '127.0.0.1'), 'listening');
  const address = other.address();
  assert.ok(typeof address === 'object' && address);
  const location = `http://127.0.0.1:${address.port}/`;
  for (const status of [301, 302, 303, 307, 308]) {
    let asked = 0;
    const rpc = await rpcOf(t, (response) => {
      asked++;
      response.writeHead(status, { location, refresh: `0; url=${location}`, 'set-cookie': 'a=b' }).end();
    });
    await assert.rejects(rpc.call('getblockcount'), BitcoindUnreachable);
    await assert.rejects(rpc.callMany('getblockhash', [[1], [2]]), BitcoindUnreachable);
    assert.equal(asked, 2);
  }
  assert.deepEqual(elsewhere, []);
});

test('credentials are sent as bitcoind takes them, and in no other form that an answer asks for', async (t) => {
  const sent: (string | undefined)[] = [];
  const rpc = await rpcOf(t, (response, request) => {
    sent.push(request.headers.authorization?.split(' ')[0], request.headers.cookie, request.headers.referer);
    response
      .writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth"', 'set-cookie': 'a=b' })
      .end();
  });
  await assert.rejects(rpc.call('getblockcount'), BitcoindUnauthorized);
  await assert.rejects(rpc.call('getblockcount'), BitcoindUnauthorized);
  assert.deepEqual(sent, ['Basic', undefined, undefined, 'Basic', undefined, undefined]);
});

test('over TLS, only who has a certificate of a known authority is spoken to', { skip: noCertificates }, async (t) => {
  const { cert, key, ca } = makeAuthority(tempDir(t))('bitcoind');
  let asked = 0;
  const tls = { cert: readFileSync(cert), key: readFileSync(key) };
  const server = createTlsServer(tls, (request, response) => {
    asked++;
    request.resume().on('end', () => json(response, 200, { result: 7, error: null, id: 1 }));
  });
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  const access = { url: `https://127.0.0.1:${address.port}`, auth: { user: 'u', password: 'p' } };
  await assert.rejects(new BitcoindRpc(access).call('getblockcount'), BitcoindUnreachable);
  assert.equal(asked, 0, 'and is sent no credentials');
  const module = JSON.stringify(join(packageRoot, 'dist', 'actors', 'bitcoind', 'rpc.js'));
  const script = `import { BitcoindRpc } from ${module};
    console.log(await new BitcoindRpc(${JSON.stringify(access)}).call('getblockcount'));
    process.exit();`;
  const knowing = { env: { ...process.env, NODE_EXTRA_CA_CERTS: ca } };
  const said = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], knowing);
  assert.equal(said.stdout, '7\n');
});

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

async function rpcOf(t: Cleanup, answer: Answer): Promise<BitcoindRpc> {
  const server = createServer((request, response) => request.resume().on('end', () => answer(response, request)));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  const url = `http://127.0.0.1:${address.port}`;
  return new BitcoindRpc({ url, auth: { user: 'u', password: 'p' }, timeoutMs: 500 });
}

const json = (response: ServerResponse, status: number, body: unknown) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body) ?? '');
const text = (response: ServerResponse, status: number, body: string) =>
  void response.writeHead(status, { 'content-type': 'text/html' }).end(body);
const refused = (rpcCode: number) => (error: unknown) => error instanceof BitcoindRefused && error.rpcCode === rpcCode;
