import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import pino from 'pino';
import { type Parcel, ShardNotServedError, ShardRelay, ShardSilentError } from '../../../actors/runtime/shard-relay.js';
import { utf8 } from '../../../events/bytes.js';
import { Shard } from '../../../events/ids.js';
import { startTestNats } from '../../support/nats.js';
import { startNatsProxy } from '../../support/nats-proxy.js';
import type { Cleanup } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';

const [zero, one] = [Shard.parse(0), Shard.parse(1)];
const hello: Parcel = { data: utf8('hello'), about: { from: 'us' } };
const textOf = ({ data }: Parcel) => Buffer.from(data).toString('utf8');
const LONG = 20_000;

/** As many nodes' relays on one server. */
async function relays(t: Cleanup, count: number) {
  const nats = await startTestNats(t);
  const log = pino({ level: 'silent' });
  const connections = await Promise.all(Array.from({ length: count }, () => nats.connect('node')));
  return {
    nats,
    nodes: connections.map((nc) => new ShardRelay(nc, log)),
    /** Resolves when the server knows what the nodes serve. */
    flush: () => Promise.all(connections.map((nc) => nc.flush())),
  };
}

describe('a question about a shard', () => {
  test('reaches a node that serves it, and its answer comes back, each with what is to be known of it', async (t) => {
    const { nodes, flush } = await relays(t, 2);
    const [asker, server] = [nodes[0] ?? assert.fail(), nodes[1] ?? assert.fail()];
    server.serve(zero, 'greet', async ({ data, about }) => ({
      data: Buffer.concat([Buffer.from(data), utf8(` ${about?.from}`)]),
      about: { mood: 'good' },
    }));
    await flush();
    const answer = await asker.ask(zero, 'greet', hello, LONG);
    assert.equal(textOf(answer), 'hello us');
    assert.equal(answer.about?.mood, 'good');
    await assert.rejects(asker.ask(one, 'greet', hello, LONG), ShardNotServedError);
    await assert.rejects(asker.ask(zero, 'insult', hello, LONG), ShardNotServedError);
  });

  test('reaches one of the nodes that serve it, and each of them some time', async (t) => {
    const { nodes, flush } = await relays(t, 3);
    const asked = new Map<string, number>();
    for (const [i, node] of nodes.entries())
      node.serve(zero, 'who', async () => {
        asked.set(`${i}`, (asked.get(`${i}`) ?? 0) + 1);
        return { data: utf8(`${i}`) };
      });
    const asker = nodes[0] ?? assert.fail();
    await flush();
    let answers = 0;
    await until('all three', async () => {
      await asker.ask(zero, 'who', hello, LONG);
      answers++;
      return asked.size === 3;
    });
    const all = Array.from(asked.values()).reduce((sum, n) => sum + n, 0);
    assert.equal(all, answers, 'nobody but who answered was asked');
  });

  test('is refused at once when nobody serves the shard any more, and what was under way is answered', async (t) => {
    const { nodes, flush } = await relays(t, 2);
    const [asker, server] = [nodes[0] ?? assert.fail(), nodes[1] ?? assert.fail()];
    const waiting: ((parcel: Parcel) => void)[] = [];
    const end = server.serve(zero, 'greet', () => new Promise((resolve) => waiting.push(resolve)));
    await flush();
    const underWay = asker.ask(zero, 'greet', hello, LONG);
    await until('under way', () => waiting.length > 0);
    let ended = false;
    const ending = end().then(() => {
      ended = true;
    });
    // One that comes to the server before it knows is still taken.
    const isRefused = (error: unknown) => error instanceof ShardNotServedError;
    await until('not served', () => asker.ask(zero, 'greet', hello, 100).then(() => false, isRefused));
    assert.equal(ended, false, 'it waits for what is under way');
    for (const answer of waiting) answer({ data: utf8('at last') });
    assert.equal(textOf(await underWay), 'at last');
    await ending;
  });
});

describe('a node that serves a shard and gives no answer', () => {
  test('because it failed, or takes too long, is silent: nobody knows what it did', async (t) => {
    const { nodes, flush } = await relays(t, 2);
    const [asker, server] = [nodes[0] ?? assert.fail(), nodes[1] ?? assert.fail()];
    server.serve(zero, 'fail', () => Promise.reject(new TypeError('out of order')));
    server.serve(zero, 'sleep', () => new Promise(() => {}));
    await flush();
    await assert.rejects(asker.ask(zero, 'fail', hello, LONG), ShardSilentError);
    await assert.rejects(asker.ask(zero, 'sleep', hello, 50), ShardSilentError);
  });

  test('because the line to the server is dead, is silent', async (t) => {
    const { nats, nodes, flush } = await relays(t, 1);
    nodes[0]?.serve(zero, 'greet', async () => hello);
    await flush();
    const line = await startNatsProxy(t, nats.port);
    const asker = new ShardRelay(await nats.connect('node', { servers: line.url }), pino({ level: 'silent' }));
    await asker.ask(zero, 'greet', hello, LONG);
    line.swallow();
    await assert.rejects(asker.ask(zero, 'greet', hello, 50), ShardSilentError);
  });
});

test('the relay is the nodes’ own: a client and the operator reach nobody', async (t) => {
  const { nats, nodes } = await relays(t, 1);
  nodes[0]?.serve(zero, 'greet', async () => hello);
  await nats.letClientsIn();
  for (const role of ['public', 'operator'] as const) {
    const nc = await nats.connect(role);
    await assert.rejects(nc.request('argus.relay.v1.0.greet', 'x', { timeout: 1_000 }), role);
  }
});
