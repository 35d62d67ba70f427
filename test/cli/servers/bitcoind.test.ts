import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Subscriber } from 'zeromq';
import { startBitcoind } from '../../../cli/servers/bitcoind.js';
import { findServer } from '../../../cli/servers/find.js';
import { RegtestChain } from '../../../cli/servers/regtest-chain.js';
import { ServerFailed } from '../../../cli/servers/server.js';
import { startTestBitcoind } from '../../support/bitcoind.js';
import { tempDir } from '../../support/temp-dir.js';

test('the chain survives a stop, and the blocks of a kill come back; ports and client stay', async (t) => {
  const bitcoind = await startTestBitcoind(t);
  const chain = new RegtestChain(bitcoind.rpc);
  const [, , third] = await chain.mine(3);
  const { ports, pid } = bitcoind;
  await bitcoind.restart();
  assert.notEqual(bitcoind.pid, pid);
  assert.deepEqual(bitcoind.ports, ports);
  assert.equal(await chain.tip(), third);
  await bitcoind.kill();
  await bitcoind.restart();
  assert.ok((await chain.height()) <= 3, 'a crash may lose blocks that were not yet written, as on a real node');
});

test('it publishes blocks and the mempool by ZMQ', async (t) => {
  const bitcoind = await startTestBitcoind(t);
  const subscriber = new Subscriber({ linger: 0 });
  t.after(() => subscriber.close());
  subscriber.connect(bitcoind.zmqUrl);
  subscriber.subscribe('hashblock', 'hashtx', 'sequence');
  const chain = new RegtestChain(bitcoind.rpc);
  const heard = new Map<string, string>();
  void (async () => {
    for await (const [topic, body] of subscriber) heard.set(String(topic), body?.toString('hex') ?? '');
  })();
  const mined = new Set<string>();
  // The first blocks may come before the subscription does.
  for (let tries = 0; tries < 200 && heard.size < 3; tries++) {
    for (const hash of await chain.mine()) mined.add(hash);
    await sleep(50);
  }
  assert.deepEqual([...heard.keys()].sort(), ['hashblock', 'hashtx', 'sequence']);
  assert.ok(mined.has(heard.get('hashblock') ?? ''), 'the block that is announced is one that was mined');
});

test('two of them connect, and the one follows the other', async (t) => {
  const one = await startTestBitcoind(t, { listen: true });
  const two = await startTestBitcoind(t, { extraArgs: [`-connect=127.0.0.1:${one.ports.p2p}`] });
  const [hash] = await new RegtestChain(one.rpc).mine();
  const follower = new RegtestChain(two.rpc);
  for (let tries = 0; tries < 200 && (await follower.tip()) !== hash; tries++)
    await two.rpc.call('waitfornewblock', 100);
  assert.equal(await follower.tip(), hash);
});

test('what bitcoind says when it cannot start is quoted', async (t) => {
  const options = { program: findServer('bitcoind'), dataDir: tempDir(t), extraArgs: ['-no-such-option=1'] };
  await assert.rejects(startBitcoind(options), (error) => {
    assert.ok(error instanceof ServerFailed);
    assert.match(error.message, /no-such-option/);
    return true;
  });
});
