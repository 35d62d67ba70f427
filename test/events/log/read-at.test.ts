import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogUnavailableError } from '../../../events/log/errors.js';
import { appendAll, shard, startTestLog, userCommit } from '../../support/log.js';

test('the commit at a position is read from any replica, or else from the leader', async (t) => {
  const { nats, log } = await startTestLog(t);
  const [alice, bob] = [userCommit('alice'), userCommit('bob')];
  await appendAll(log, [alice, bob]);
  assert.deepEqual(await log.at(1, shard), { ...alice, position: 1 });
  const publish = log.nc.publish.bind(log.nc);
  let direct = 0;
  // A replica that has only the first message, and gives it whatever it is asked for.
  log.nc.publish = (subject, data, options) => {
    const isDirect = subject.startsWith('$JS.API.DIRECT.GET');
    if (isDirect) direct++;
    publish(subject, isDirect ? '{"seq":1}' : data, options);
  };
  assert.deepEqual(await log.at(2, shard), { ...bob, position: 2 });
  assert.equal(direct, 1);
  await assert.rejects(log.at(3, shard), LogUnavailableError, 'it may be one that this leader has not heard of');
  await nats.kill();
  await assert.rejects(log.at(1, shard), LogUnavailableError);
});
