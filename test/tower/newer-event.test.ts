import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import { aggregateSubject } from '../../events/aggregate.js';
import { encodeCommit } from '../../events/commit.js';
import { blockCommit, shard, userCommit } from '../support/log.js';
import { startTowerProcesses } from '../support/tower-process.js';
import { until } from '../support/until.js';

for (const [stream, commit, name] of [
  ['TOWER_0', userCommit('newer'), 'UserRegistered'],
  ['CHAIN', blockCommit(111), 'BlockConnected'],
] as const)
  test(`a node that meets an event of a newer version on ${stream} ends, and says which, where, and what to do`, async (t) => {
    const { nats, client, start, isUp } = await startTowerProcesses(t, { timeoutMs: 20_000 });
    const running = [ending(start()), ending(start())];
    await until('up', isUp);
    await client.register();

    // What a node of the next version puts on the log, one day.
    const newer = new TextDecoder().decode(encodeCommit(commit)).replace('"v":1', '"v":9');
    const subject = aggregateSubject(commit.aggregate, shard);
    const { seq } = await (await nats.connect('node')).jetstream().publish(subject, newer);

    const message =
      `argus: message ${seq} of ${stream}, on ${subject}, holds ${name} version 9, ` +
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
