import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamDriftError } from '../../events/log/stream-drift.js';
import { argus } from '../support/argus.js';
import { startTestTower } from '../support/tower.js';
import { whereaboutsOf } from '../support/whereabouts.js';

const HOUR = 60 * 60 * 1_000_000_000;

test('a node starts on streams that differ without harm, and says so; it does not on others', async (t) => {
  const tower = await startTestTower(t, { settings: { 'log.shards': '2' } });
  const jsm = await (await tower.nats.connect('node')).jetstreamManager();
  const operator = await tower.nats.connect('operator');
  const drift = async () => (await operator.request('argus.operator.v1.info')).json<Record<string, unknown>>();
  assert.deepEqual((await drift()).stream_drift, []);

  await jsm.streams.update('TXIDS', { max_age: HOUR });
  await tower.restartNode();
  const found = { stream: 'TXIDS', field: 'max_age', is: HOUR, wanted: 14 * 24 * HOUR };
  assert.deepEqual((await drift()).stream_drift, [found]);
  const warning = tower.said.find(({ level, msg }) => level === 40 && /argus migrate/.test(msg));
  const { stream, field, is, wanted } = warning ?? assert.fail('nothing was said');
  assert.deepEqual({ stream, field, is, wanted }, found);

  const { stdout } = await argus(['info', ...whereaboutsOf(t, tower.nats).where]);
  assert.match(stdout, /\nNOT AS WANTED +SETTING +IS +WANTED\nTXIDS +max_age +3600000000000 +1209600000000000\nSHARD /);

  await jsm.streams.update('BLOBS_1', { max_age: HOUR });
  await assert.rejects(tower.restartNode(), (error) => {
    assert.ok(error instanceof StreamDriftError);
    assert.deepEqual(error.differences, [
      'TXIDS: max_age is 3600000000000, not 1209600000000000',
      'BLOBS_1: max_age is 3600000000000, not 0',
    ]);
    return true;
  });
});

test('a node that is not told the number of shards takes that of the log', async (t) => {
  const tower = await startTestTower(t, { settings: { 'log.shards': '3' } });
  const second = await tower.startNode('two', { settings: { 'log.shards': undefined } });
  assert.equal(second.shards.length, 3);
});
