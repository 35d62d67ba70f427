import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, nkeyAuthenticator, nkeys } from 'nats';
import { packageRoot } from '../../../actors/package-root.js';
import { findServer } from '../../../cli/servers/find.js';
import { type NatsServer, startNatsServer } from '../../../cli/servers/nats-server.js';
import { freePorts } from '../../../cli/servers/ports.js';
import { ServerFailed } from '../../../cli/servers/server.js';
import { startTestNats } from '../../support/nats.js';
import { tempDir } from '../../support/temp-dir.js';

const nkey = () => nkeys.createUser().getPublicKey();

test('nats.conf works by hand, and names the variable that is missing', (t) => {
  const by = (env: Record<string, string>) => {
    const args = ['-c', join(packageRoot, 'nats.conf'), '-t']; // -t: say what you think of the configuration, and end
    const run = spawnSync(findServer('nats-server'), args, { env: { PATH: process.env.PATH ?? '', ...env } });
    return { status: run.status, said: run.stderr.toString() };
  };
  const issuer = nkeys.createAccount().getPublicKey();
  const users = { ARGUS_NODE_NKEY: nkey(), ARGUS_OPERATOR_NKEY: nkey(), ARGUS_AUDITOR_NKEY: nkey() };
  const keys = { ...users, ARGUS_ISSUER_NKEY: issuer };
  const complete = { ARGUS_NATS_STORE: '/var/lib/argus', ...keys };
  assert.equal(by(complete).status, 0, by(complete).said);
  assert.equal(by({ ...complete, ARGUS_NATS_STORE: `"${tempDir(t)}"` }).status, 0);
  for (const name of Object.keys(complete)) {
    const { [name as keyof typeof complete]: _, ...rest } = complete;
    const { status, said } = by(rest);
    assert.equal(status, 1);
    assert.match(said, new RegExp(`variable reference for '${name}' on line \\d+ can not be found`));
  }
});

test('a port that was asked for and is taken is an error that quotes the server', async (t) => {
  const foreign = createServer().listen(0, '127.0.0.1');
  await once(foreign, 'listening');
  t.after(() => foreign.close());
  const address = foreign.address();
  assert.ok(typeof address === 'object' && address);
  const options = { program: findServer('nats-server'), dataDir: tempDir(t), keys: {} };
  await assert.rejects(startNatsServer({ ...options, port: address.port }), (error) => {
    assert.ok(error instanceof ServerFailed);
    assert.match(error.message, /address already in use/);
    return true;
  });
});

test('a frozen server is ended too, and a restart keeps the port', async (t) => {
  const nats = await startTestNats(t);
  const { port } = nats;
  nats.child.kill('SIGSTOP');
  await nats.restart();
  assert.equal(nats.port, port);
  const node = await nats.connect('node');
  assert.equal(node.info?.port, port);
});

test('three servers with the flags that nats-cluster.conf shows are a cluster with a replicated log', async (t) => {
  const servers: NatsServer[] = [];
  t.after(() => Promise.all(servers.map((server) => server.stop()))); // before the folder's removal
  const node = nkeys.createUser();
  const keys = { nodeNkey: node.getPublicKey() };
  const routes = (await freePorts(3)).map((port) => `nats://127.0.0.1:${port}`);
  const folder = tempDir(t);
  const started = routes.map((route, i) => {
    const extra = ['--cluster_name', 'argus', '--cluster', route, '--routes', routes.join(',')];
    const options = { program: findServer('nats-server'), dataDir: join(folder, `${i}`), name: `n${i}`, extra };
    return startNatsServer({ ...options, keys }).then((server) => servers.push(server));
  });
  await Promise.all(started);
  const connection = await connect({
    servers: servers.map((server) => server.url),
    authenticator: nkeyAuthenticator(node.getSeed()),
  });
  t.after(() => connection.close());
  const log = { name: 'LOG', subjects: ['argus.chain'], num_replicas: 3 };
  const stream = await eventually(async () => (await connection.jetstreamManager()).streams.add(log));
  assert.equal(stream.cluster?.replicas?.length, 2, 'a leader and two followers');
  assert.equal((await connection.jetstream().publish('argus.chain')).seq, 1);
});

/** What `attempt` gives, tried again while it fails: a new cluster takes a moment to elect its leader. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const end = Date.now() + 30_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(200);
    }
  }
}
