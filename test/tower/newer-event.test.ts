import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import { aggregateSubject, userAggregate } from '../../events/aggregate.js';
import { encodeCommit, newCommit } from '../../events/commit.js';
import { registered } from '../fixtures/histories.js';
import { userId } from '../fixtures/ids.js';
import { type NewCommit, shard } from '../support/log.js';
import { startTowerProcesses } from '../support/tower-process.js';
import { until } from '../support/until.js';

test('a node that meets an event of a newer version ends, and says which, where, and what to do', async (t) => {
  const { nats, client, start, isUp } = await startTowerProcesses(t, { timeoutMs: 20_000 });
  const running = [ending(start()), ending(start())];
  await until('up', isUp);
  await client.register();

  // What a node of the next version puts on the log, one day.
  const user = userAggregate(userId('newer'));
  const commit = newCommit(user, [registered()], 'newer', Date.now()) as NewCommit;
  const newer = new TextDecoder().decode(encodeCommit(commit)).replace('"v":1', '"v":9');
  const subject = aggregateSubject(user, shard);
  const { seq } = await (await nats.connect('node')).jetstream().publish(subject, newer);

  const message =
    `argus: message ${seq} of TOWER_0, on ${subject}, holds UserRegistered version 9, ` +
    'which this version of argus does not know; upgrade this node\n';
  // Nobody guesses: neither those that run, nor one that starts.
  for (const { status, said } of await Promise.all([...running, ending(start())])) {
    assert.equal(status, 1);
    assert.ok(said.endsWith(message), said);
  }
});

/** How a node's process ends, and what it has said until then. */
function ending(child: ChildProcess): Promise<{ status: number | null; said: string }> {
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  return new Promise((resolve) => void child.on('close', (status) => resolve({ status, said })));
}
