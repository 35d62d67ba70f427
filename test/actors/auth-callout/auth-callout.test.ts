import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, deadline, type NatsConnection } from 'nats';
import pino from 'pino';
import { AuthCallout } from '../../../actors/auth-callout/auth-callout.js';
import { issuerOf } from '../../../actors/auth-callout/issuer.js';
import { asClient, overNats } from '../../../actors/client/nats-courier.js';
import { startTestNats, type TestNats } from '../../support/nats.js';
import { startTestCluster } from '../../support/nats-cluster.js';
import { startNatsProxy } from '../../support/nats-proxy.js';
import { until } from '../../support/until.js';

/** Clients and nodes at a real server. */

const log = pino({ level: 'silent' });

async function letIn(nc: NatsConnection, nodeSeed: string): Promise<AuthCallout> {
  const callout = new AuthCallout(nc, { issuer: issuerOf(nodeSeed), log });
  callout.open();
  await nc.flush();
  return callout;
}

/** A client's connection is good for a question and its answer. */
async function canAsk(nc: NatsConnection): Promise<boolean> {
  const answer = await nc.request('argus.v1.info', 'x', { timeout: 1_000 }).catch(() => undefined);
  return answer?.string() === 'yes';
}

async function answering(nats: TestNats): Promise<NatsConnection> {
  const node = await nats.connect('node');
  node.subscribe('argus.v1.info', { queue: 'argus', callback: (_, message) => void message.respond('yes') });
  return node;
}

/** What a server asks of a client; here of one that gave no nkey. */
function question(): string {
  const asked = { server_id: { id: 'N' }, user_nkey: 'U', client_info: {}, connect_opts: {} };
  return `x.${Buffer.from(JSON.stringify({ iat: 1, nats: asked })).toString('base64url')}.x`;
}

describe('a client', () => {
  test('is let in although another node is frozen: nearly always before the server gives it up', async (t) => {
    const nats = await startTestNats(t);
    const frozen = await startNatsProxy(t, nats.port);
    await letIn(await nats.connect('node', { servers: frozen.url }), nats.nodeSeed);
    await letIn(await answering(nats), nats.nodeSeed);
    frozen.swallow();
    const comesIn = () =>
      nats.connect('public').then(
        (nc) => canAsk(nc),
        () => false,
      );
    const tries = await Promise.all(Array.from({ length: 30 }, comesIn));
    // A quarter is asked of the frozen one alone; 25 of them would be one run in a hundred million.
    assert.ok(tries.filter((isIn) => !isIn).length < 25);
    await until('it is let in at last', comesIn);
  });

  test('is spoken for by one node at once and by one a second later, of however many: a server hangs at a third answer', async (t) => {
    const nats = await startTestNats(t);
    for (let i = 0; i < 6; i++) await letIn(await nats.connect('node'), nats.nodeSeed);
    const asking = await nats.connect('node');
    const answers = new Map<string, number>();
    asking.subscribe('asked.*', {
      callback: (_, { subject }) => void answers.set(subject, (answers.get(subject) ?? 0) + 1),
    });
    const subjects = Array.from({ length: 100 }, (_, i) => `asked.${i}`);
    for (const reply of subjects) asking.publish('$SYS.REQ.USER.AUTH', question(), { reply });
    await until('each is answered', () => answers.size === subjects.length);
    assert.ok([...answers.values()].every((count) => count === 1));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const counts = [...answers.values()];
    assert.ok(counts.every((count) => count <= 2));
    assert.ok(counts.some((count) => count === 2));
  });

  test('is answered by every node of a cluster however many sign in at once', async (t) => {
    const cluster = await startTestCluster(t);
    const nodes = await Promise.all(
      cluster.servers.map(async ({ url }) => {
        const node = await cluster.connect({ servers: url });
        await letIn(node, cluster.nodeSeed);
        return node;
      }),
    );
    for (let round = 0; round < 10; round++) {
      const signIn = ({ url }: { readonly url: string }) => cluster.connect({ servers: url, ...asClient() });
      const clients = await Promise.all([...cluster.servers, ...cluster.servers, ...cluster.servers].map(signIn));
      await Promise.all(clients.map((client) => client.close()));
    }
    for (const node of nodes) await deadline(node.flush(), 5_000);
  });

  test('is let in by any server of a cluster, wherever the node is connected, and after the loss of one', async (t) => {
    const cluster = await startTestCluster(t);
    const node = await cluster.connect();
    await letIn(node, cluster.nodeSeed);
    node.subscribe('argus.v1.info', { callback: (_, message) => void message.respond('yes') });
    await node.flush();
    for (const { url } of cluster.servers) {
      const nc = await until('routes carry the question', () =>
        cluster.connect({ servers: url, ...asClient() }).catch(() => undefined),
      );
      await until('it is answered', () => canAsk(nc));
    }
    const nc = await cluster.connect(asClient());
    await cluster.servers[0]?.kill();
    await until('another server has let it in', () => canAsk(nc));
  });

  test('is told no within seconds while no node is up, and comes back by itself once there is one', async (t) => {
    const nats = await startTestNats(t);
    await assert.rejects(nats.connect('public'), { code: 'AUTHORIZATION_VIOLATION' });
    const node = await answering(nats);
    const callout = await letIn(node, nats.nodeSeed);
    const client = await nats.connect('public');
    callout.close();
    assert.ok(await canAsk(client), 'who is in stays in');
    await nats.restart();
    assert.equal(await canAsk(client), false);
    await until('the node is back', () => node.flush().then(() => true));
    await new Promise((resolve) => setTimeout(resolve, 4_000)); // the server gives up on the first try to come back
    assert.equal(client.isClosed(), false);
    await letIn(node, nats.nodeSeed);
    await until('it is back', () => canAsk(client));
  });

  test('is not let in by what another tower’s node says', async (t) => {
    const nats = await startTestNats(t);
    const other = await startTestNats(t);
    await letIn(await nats.connect('node'), other.nodeSeed);
    await assert.rejects(nats.connect('public'), { code: 'AUTHORIZATION_VIOLATION' });
  });

  test('without credentials needs no node, and is told that it may not ask for more', async (t) => {
    const nats = await startTestNats(t);
    await answering(nats);
    const anyone = await connect({ servers: nats.url });
    t.after(() => anyone.close());
    assert.ok(await canAsk(anyone));
    const register = overNats(anyone).ask('register', {}, 1_000);
    await assert.rejects(
      register,
      /^Error: the server does not let this connection ask the tower: connect with asClient/,
    );
  });
});

test('of a flood of clients a node answers as many as it can spare the time for', async (t) => {
  const nats = await startTestNats(t);
  const [node, flood] = [await nats.connect('node'), await nats.connect('node')];
  await letIn(node, nats.nodeSeed);
  let answers = 0;
  const asked = question();
  flood.subscribe('flood', { callback: () => answers++ });
  const began = performance.now();
  for (let i = 0; i < 3_000; i++) flood.publish('$SYS.REQ.USER.AUTH', asked, { reply: 'flood' });
  await flood.flush();
  await node.flush(); // all questions are there
  await node.flush(); // all answers are out
  await flood.flush();
  const seconds = (performance.now() - began) / 1000;
  assert.ok(answers >= 1_000 && answers <= 1_000 + 200 * seconds + 1, `${answers} in ${seconds} s`);
});
