import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nkeys } from 'nats';
import { whenReady } from '../../../actors/nats-connection.js';
import { packageRoot } from '../../../actors/package-root.js';
import { findServer } from '../../../cli/servers/find.js';
import { type NatsServer, startNatsServer } from '../../../cli/servers/nats-server.js';
import { freePorts } from '../../../cli/servers/ports.js';
import { ensureStreams } from '../../../events/log/ensure-streams.js';
import { EventLog } from '../../../events/log/log.js';
import { towerStream } from '../../../events/log/streams.js';
import { makeAuthority, noCertificates } from '../../support/certificates.js';
import { appendAll, layout, shard, userCommit } from '../../support/log.js';
import { clusterOptions, startTestCluster } from '../../support/nats-cluster.js';
import { tempDir } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';

const nkey = () => nkeys.createUser().getPublicKey();

describe('nats-cluster.conf', { skip: noCertificates }, () => {
  test('works by hand with nats.conf beside it, and names the variable that is missing', (t) => {
    const routes = ['nats://127.0.0.1:6222', 'nats://127.0.0.1:6223'];
    const { env = {} } = clusterOptions('one', routes[0] ?? '', routes, makeAuthority(tempDir(t))('one'));
    const complete = {
      ...env,
      ARGUS_NATS_STORE: '/var/lib/argus',
      ARGUS_NODE_NKEY: nkey(),
      ARGUS_OPERATOR_NKEY: nkey(),
      ARGUS_AUDITOR_NKEY: nkey(),
      ARGUS_ISSUER_NKEY: nkeys.createAccount().getPublicKey(),
    };
    const by = (env: Record<string, string>) => {
      const args = ['-c', join(packageRoot, 'nats-cluster.conf'), '-t'];
      const run = spawnSync(findServer('nats-server'), args, { env: { PATH: process.env.PATH ?? '', ...env } });
      return { status: run.status, said: run.stderr.toString() };
    };
    assert.equal(by(complete).status, 0, by(complete).said);
    for (const name of Object.keys(complete)) {
      const { status, said } = by(Object.fromEntries(Object.entries(complete).filter(([key]) => key !== name)));
      assert.equal(status, 1);
      assert.match(said, new RegExp(`variable reference for '${name}' on line \\d+ can not be found`));
    }
  });

  test('makes three servers a cluster over TLS, which goes on without the one that leads', async (t) => {
    const cluster = await startTestCluster(t, { certificate: makeAuthority(tempDir(t)) });
    const nc = await cluster.connect();
    const wish = { ...layout, replicas: 3 };
    await whenReady(
      () => ensureStreams(nc, wish),
      () => {},
    );
    const log = await EventLog.open(nc);
    const state = async () => (await log.jsm.streams.info(towerStream(shard)).catch(() => undefined))?.cluster;
    await appendAll(log, [userCommit('before')]);
    const leader = await until('a leader', async () => (await state())?.leader);
    const lost = cluster.servers[Number(leader.slice(1))] ?? assert.fail(leader);
    await lost.kill();
    await appendAll(log, [userCommit('meanwhile')]);
    assert.equal(await log.tail(towerStream(shard)), 2);
    await lost.restart();
    await until('whole again', async () => {
      const now = await state();
      return now?.replicas?.length === 2 && now.replicas.every(({ current, offline }) => current && !offline);
    });
  });

  test('turns a server away whose certificate is from elsewhere', async (t) => {
    let stranger: NatsServer | undefined;
    t.after(() => stranger?.stop()); // before the folder's removal
    const authority = makeAuthority(tempDir(t));
    const cluster = await startTestCluster(t, { certificate: authority });
    const { ca } = authority('any');
    const [port = 0] = await freePorts(1);
    const route = `nats://127.0.0.1:${port}`;
    const certificate = { ...makeAuthority(tempDir(t))('stranger'), ca };
    stranger = await startNatsServer({
      program: findServer('nats-server'),
      dataDir: tempDir(t),
      keys: {},
      ...clusterOptions('stranger', route, [route, ...cluster.routes], certificate),
    });
    const said = /TLS route handshake error: .*certificate signed by unknown authority/;
    await until('it is turned away', () => cluster.servers.every(({ child }) => said.test(child.tail(100))));
  });
});
