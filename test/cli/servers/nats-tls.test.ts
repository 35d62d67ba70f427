import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { nkeys } from 'nats';
import pino from 'pino';
import { AuthCallout } from '../../../actors/auth-callout/auth-callout.js';
import { issuerOf } from '../../../actors/auth-callout/issuer.js';
import { packageRoot } from '../../../actors/package-root.js';
import { natsKeys } from '../../../cli/nats-keys.js';
import { findServer } from '../../../cli/servers/find.js';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../../../cli/servers/nats-server.js';
import { freePorts } from '../../../cli/servers/ports.js';
import { connectLog, type ServerTrust } from '../../../events/log/connection.js';
import { type Certificate, makeAuthority, noCertificates } from '../../support/certificates.js';
import { clusterOptions } from '../../support/nats-cluster.js';
import { newNkey, RawNats } from '../../support/raw-nats.js';
import { tempDir } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';
import { openWebSocket } from '../../support/websocket.js';

/** A NATS server's TLS and websockets, as nodes and clients meet them. */

const newSeed = () => new TextDecoder().decode(nkeys.createUser().getSeed());
const seed = newSeed();

async function start(t: TestContext, options: Partial<NatsServerOptions>): Promise<NatsServer> {
  let server: NatsServer | undefined;
  t.after(() => server?.stop()); // before the folder's removal
  const keys = natsKeys(seed, newSeed(), newSeed());
  server = await startNatsServer({ program: findServer('nats-server'), dataDir: tempDir(t), keys, ...options });
  return server;
}

const tlsOf = ({ cert, key }: Certificate) => ({ certFile: cert, keyFile: key });

/** What becomes of a node that connects. */
async function connecting(servers: string, trust?: ServerTrust): Promise<string> {
  try {
    await (await connectLog({ servers, seed, name: 'test', trust })).close();
    return 'connected';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return code.startsWith('UNABLE_TO_') ? 'certified by a stranger' : code;
  }
}

describe('a server with TLS', { skip: noCertificates }, () => {
  test('is taken by nodes if it is certified by whom they trust, for the address that they know', async (t) => {
    const authority = makeAuthority(tempDir(t));
    const certificate = authority('server');
    const { port } = await start(t, { tls: tlsOf(certificate), host: '0.0.0.0' });
    const by = (caFile: string, isOwn = false): ServerTrust => ({ caFile, isOwn });
    const other = makeAuthority(tempDir(t))('other');
    const { ca, cert } = certificate;
    for (const [servers, trust, becomes] of [
      ['tls://127.0.0.1', by(ca), 'connected'],
      ['tls://localhost', by(ca), 'connected'],
      ['nats://127.0.0.1', by(ca), 'connected'],
      ['tls://127.0.0.2', by(ca), 'ERR_TLS_CERT_ALTNAME_INVALID'],
      ['tls://127.0.0.2', by(cert, true), 'connected'],
      ['tls://127.0.0.1', by(other.ca), 'certified by a stranger'],
      ['tls://127.0.0.1', by(other.cert, true), 'certified by a stranger'],
      ['tls://127.0.0.1', undefined, 'certified by a stranger'],
    ] as const)
      assert.equal(await connecting(`${servers}:${port}`, trust), becomes, `${servers} ${JSON.stringify(trust)}`);
  });

  test('takes nobody in the clear, and a node that wants TLS does not go on without it', async (t) => {
    const certificate = makeAuthority(tempDir(t))('server');
    const { port } = await start(t, { tls: tlsOf(certificate) });
    const raw = await RawNats.signIn(t, port, newNkey());
    assert.equal(raw.info.tls_required, true);
    await raw.closed; // the server hears no TLS
    assert.deepEqual([raw.lines, raw.messages], [[], []]);
    const plain = await start(t, {});
    assert.equal(await connecting(`nats://127.0.0.1:${plain.port}`), 'connected');
    assert.equal(await connecting(`tls://127.0.0.1:${plain.port}`), 'SERVER_OPT_NA');
    const trust = { caFile: certificate.ca, isOwn: false };
    assert.equal(await connecting(`nats://127.0.0.1:${plain.port}`, trust), 'SERVER_OPT_NA');
  });
});

for (const name of ['nats.conf', 'nats-cluster.conf', 'nats-clients.conf'])
  test(`the file with TLS and websockets that nats.conf shows works, with ${name}`, { skip: noCertificates }, (t) => {
    const folder = tempDir(t);
    const ours = readFileSync(join(packageRoot, 'nats.conf'), 'utf8');
    const shown = /^# {3}include nats\.conf\n(?:# {3}.*\n)+/m.exec(ours)?.[0] ?? assert.fail('it shows none');
    const { cert, key, ca } = makeAuthority(folder)('server');
    const text = shown
      .replaceAll(/^# {3}/gm, '')
      .replace('nats.conf', JSON.stringify(relative(folder, join(packageRoot, name))))
      .replaceAll('/etc/argus/cert.pem', cert)
      .replaceAll('/etc/argus/key.pem', key);
    assert.match(text, /^tls \{.*^websocket \{/ms);
    const file = join(folder, 'own.conf');
    writeFileSync(file, text);
    const keys = natsKeys(newSeed(), newSeed(), newSeed());
    const env = {
      ARGUS_NATS_STORE: '/var/lib/argus',
      ARGUS_NODE_NKEY: keys.nodeNkey,
      ARGUS_OPERATOR_NKEY: keys.operatorNkey,
      ARGUS_AUDITOR_NKEY: keys.auditorNkey,
      ARGUS_ISSUER_NKEY: keys.issuerNkey,
      ...clusterOptions('one', 'nats://127.0.0.1:6222', ['nats://127.0.0.1:6222'], { cert, key, ca }).env,
    };
    const run = spawnSync(findServer('nats-server'), ['-c', file, '-t'], {
      env: { PATH: process.env.PATH ?? '', ...env },
    });
    assert.equal(run.status, 0, run.stderr.toString());
  });

describe('a websocket', () => {
  for (const scheme of ['ws', 'wss'] as const)
    test(`${scheme}: carries what TCP does, and its clients have the rights of clients`, {
      skip: scheme === 'wss' && noCertificates,
    }, async (t) => {
      const certificate = scheme === 'wss' ? makeAuthority(tempDir(t))('server') : undefined;
      const [port = 0] = await freePorts(1);
      const websocket = { host: '127.0.0.1', port };
      const server = await start(t, { websocket, tls: certificate && tlsOf(certificate) });
      const trust = certificate && { caFile: certificate.ca, isOwn: false };
      const node = await connectLog({ servers: server.url, seed, name: 'test', trust });
      t.after(() => node.close());
      new AuthCallout(node, { issuer: issuerOf(seed), log: pino({ level: 'silent' }) }).open();
      node.subscribe('argus.v1.info', { callback: (_, message) => void message.respond('x'.repeat(100_000)) });
      await node.flush();
      const open = async () => new RawNats(await openWebSocket(t, `${scheme}://localhost:${port}`, certificate?.ca));
      const client = await open();
      const { seed: own, nkey } = newNkey();
      assert.deepEqual(await client.signIn({ seed: own }), []);
      assert.deepEqual(await client.subscribe(`_INBOX_${nkey}.>`), []);
      assert.deepEqual(await client.publish('argus.v1.info', 'y'.repeat(100_000), `_INBOX_${nkey}.1`), []);
      await node.flush();
      await until('the answer', () => client.messages.length > 0);
      const [{ subject, text } = assert.fail()] = client.messages;
      assert.ok(subject === `_INBOX_${nkey}.1` && text === 'x'.repeat(100_000));
      for (const other of ['>', '_INBOX.>', '$SYS.>'])
        assert.deepEqual(await client.subscribe(other), [
          `-ERR 'Permissions Violation for Subscription to "${other}"'`,
        ]);
      const stranger = await open();
      assert.deepEqual(await stranger.signIn({ fields: { user: 'x', pass: 'y' } }), ["-ERR 'Authorization Violation'"]);
    });
});
