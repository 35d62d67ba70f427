import { describe, test } from 'node:test';
import { flushPatiently } from '../../actors/nats-connection.js';
import { freePorts } from '../../cli/servers/ports.js';
import { connectLog } from '../../events/log/connection.js';
import { startTestNats } from '../support/nats.js';
import { startNatsProxy } from '../support/nats-proxy.js';
import { startTestTower } from '../support/tower.js';

describe('a cluster of NATS servers', () => {
  test('is reached also while one that is named is away', async (t) => {
    const nats = await startTestNats(t);
    const away = `nats://127.0.0.1:${(await freePorts(1))[0]}`;
    for (const servers of [`${away},${nats.url}`, `${nats.url},${away}`]) {
      const nc = await connectLog({ servers, name: 'test' });
      t.after(() => nc.close());
      await nc.flush();
    }
  });
});

describe('a line to NATS that is cut', () => {
  test('while what was sent is flushed is waited for', async (t) => {
    const nats = await startTestNats(t);
    const line = await startNatsProxy(t, nats.port);
    const nc = await connectLog({ servers: line.url, name: 'test' });
    t.after(() => nc.close());
    line.swallow();
    const flushed = flushPatiently(nc);
    line.cut();
    await flushed;
  });

  test('while a node stops is no reason to fail', async (t) => {
    const tower = await startTestTower(t, { begin: false });
    const line = await startNatsProxy(t, tower.nats.port);
    const node = await tower.startNode('one', { natsUrl: line.url });
    line.swallow();
    const stopped = node.stop();
    line.cut();
    await stopped;
  });
});
