import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import type { Shard } from '../../events/ids.js';
import { HeadStore } from '../../events/log/heads.js';
import { EventLog } from '../../events/log/log.js';
import { CHECKPOINTS } from '../../events/log/streams.js';
import { signerIs } from '../../events/signing/message.js';
import { decodeHead, headHash, headMessage } from '../../events/tree-head.js';
import { txid } from '../fixtures/ids.js';
import { startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

async function heads(log: EventLog) {
  const last = await log.tail(CHECKPOINTS);
  const messages = Array.from({ length: last }, (_, i) => log.jsm.streams.getMessage(CHECKPOINTS, { seq: i + 1 }));
  return (await Promise.all(messages)).map(({ data }) => decodeHead(data));
}

/** Resolves when a block is evaluated by every shard, and each says so under a head. */
async function untilSigned(tower: TestTower, log: EventLog): Promise<void> {
  await untilLevel(() => tower.node, tower.chain);
  const newest = new HeadStore(log);
  for (const [shard, state] of tower.node.shards.entries())
    await until(`shard ${shard} is signed`, async () => {
      const size = (await newest.last(shard as Shard))?.head.treeSize;
      return size === state.scanVersion;
    });
}

test('every block is signed in every shard, by two nodes at once, through restarts and reorgs', async (t) => {
  const tower = await startTestTower(t, { settings: { 'log.shards': '2' } });
  const log = await EventLog.open(await tower.nats.connect('node'));
  const second = await tower.startNode('two');
  const client = await tower.newClient();
  await client.register();
  await untilSigned(tower, log);
  const before = (await heads(log)).length;
  for (let i = 0; i < 3; i++) {
    await client.addAppointment(makeAppointment('rust', txid(`${i}`), new Uint8Array(100), 144));
    await tower.chain.mine(1);
    await untilSigned(tower, log);
  }
  assert.equal((await heads(log)).length, before + 6);
  await tower.restartNode();
  await second.stop();
  await tower.chain.mine(2);
  await untilSigned(tower, log);
  await tower.bitcoind.rpc.call('invalidateblock', await tower.chain.tip());
  await tower.chain.mine(2);
  await untilSigned(tower, log);

  const all = await heads(log);
  for (const shard of [0, 1]) {
    const own = all.filter((head) => head.shard === shard);
    for (const [i, head] of own.entries()) {
      assert.ok(signerIs(headMessage(head), head.signature, tower.key.towerId));
      const previous = own[i - 1];
      assert.equal(head.previous, previous ? headHash(previous) : null);
    }
    const [, newest] = [own.length, own.at(-1)];
    assert.equal(newest?.blockHash, await tower.chain.tip());
  }
  const { shards } = (await tower.node.info()) as { shards: Record<string, unknown>[] };
  const height = await tower.chain.height();
  assert.deepEqual(
    shards.map(({ head_height, head_alarm }) => [head_height, head_alarm]),
    [
      [height, null],
      [height, null],
    ],
  );
});
