import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followed } from '../../../actors/auditor/followed-log.js';
import { openLiveSource } from '../../../actors/auditor/live-source.js';
import { LogUnavailableError } from '../../../events/log/errors.js';
import { towerStream } from '../../../events/log/streams.js';
import { ofUser, placed } from '../../fixtures/commits.js';
import { registered } from '../../fixtures/histories.js';
import { appendAll, shard, startTestLog, userCommit } from '../../support/log.js';
import { MemorySource } from '../../support/memory-source.js';

const stream = towerStream(shard);
const from = (after: number) => [{ stream, shard, after }];
const quiet = { isWanted: () => true, onWait: () => {}, signal: new AbortController().signal };

test('a log is followed through a restart of its server, without a gap', async (t) => {
  const { nats, log } = await startTestLog(t);
  const source = await openLiveSource(await nats.connect('auditor'), nats.auditorSeed);
  t.after(() => source.close());
  const stopping = new AbortController();
  const positions: number[] = [];
  await appendAll(log, [userCommit('one'), userCommit('two')]);
  for await (const happenings of followed(source, from(1), { ...quiet, signal: stopping.signal })) {
    positions.push(...happenings.map(({ row }) => row.position));
    const last = positions.at(-1);
    if (last === 2) {
      await nats.restart();
      await appendAll(log, [userCommit('three'), userCommit('four')]);
    }
    if (last === 4) stopping.abort();
  }
  assert.deepEqual(positions, [2, 3, 4]);
});

test('a log that is away is waited for, and that is said', async () => {
  const source = new MemorySource([], placed(ofUser('alice', registered())));
  let failures = 2;
  const waits: string[] = [];
  const failing = {
    read: source.read.bind(source),
    tail: async (name: string) => {
      if (failures-- > 0) throw new LogUnavailableError('away');
      return source.tail(name);
    },
  };
  const onWait = ({ message }: Error) => void waits.push(message);
  for await (const happenings of followed(failing, from(0), { ...quiet, onWait, retryMs: 1 })) {
    assert.equal(happenings[0]?.row.type, 'UserRegistered');
    break;
  }
  assert.deepEqual(waits, ['away', 'away']);
});

test('a log with fewer messages than it had is not followed on', async () => {
  const source = new MemorySource([], placed(ofUser('alice', registered())));
  await assert.rejects(followed(source, from(5), quiet).next(), { code: 'log-damaged', message: /had 5 .* has 1 now/ });
});
