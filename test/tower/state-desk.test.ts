import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import type { Txid } from '../../events/ids.js';
import { stateDigest } from '../../projections/state-digest.js';
import { positionsOf, untilLevelStates } from '../support/node-states.js';
import { startTestTower } from '../support/tower.js';

test('every node tells the operator what it made of the log, and all say the same', async (t) => {
  const tower = await startTestTower(t, { settings: { 'log.shards': '2' } });
  const nodes = [tower.node, await tower.startNode('two')];
  const client = await tower.newClient();
  await client.register();
  await client.addAppointment(makeAppointment('rust', '00'.repeat(32) as Txid, new Uint8Array(50), 144));
  const operator = await tower.nats.connect('operator');
  const [one, two] = await untilLevelStates(operator, 2);
  assert.ok(one && two);
  assert.deepEqual([one.node, two.node], ['one', 'two']);
  assert.deepEqual({ ...one, node: '' }, { ...two, node: '' });
  for (const node of nodes) {
    assert.equal(one.chain.sha256, stateDigest(node.chain.state));
    assert.deepEqual(
      one.shards.map(({ shard, sha256 }) => [shard, sha256]),
      node.shards.map((state, shard) => [shard, stateDigest(state)]),
    );
  }
  await client.register();
  const [later] = await untilLevelStates(operator, 2, (positions) => positions !== positionsOf(one));
  assert.notDeepEqual(later?.shards, one.shards);
  assert.deepEqual(later?.chain, one.chain);
});
