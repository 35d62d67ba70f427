import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JetStreamManager } from 'nats';
import type { Shard } from '../../../events/ids.js';
import { ensureStreams, readLog } from '../../../events/log/ensure-streams.js';
import { LogUnavailableError } from '../../../events/log/errors.js';
import { type RebuildNeeds, rebuildStream, type Step } from '../../../events/log/rebuild-stream.js';
import { userCommit } from '../../support/log.js';
import { COUNT, CUT, DROPPED, KEPT, layout, startUntrimmedLog } from '../../support/trimmed-log.js';

const shard = 0 as Shard;

/** All messages of a stream, as a person would compare them. */
async function messagesOf(jsm: JetStreamManager, stream: string) {
  const { last_seq: last } = (await jsm.streams.info(stream)).state;
  const all = Array.from({ length: last }, (_, i) =>
    jsm.streams.getMessage(stream, { seq: i + 1 }).catch(() => undefined),
  );
  return (await Promise.all(all)).map(
    (one) => one && [one.seq, one.subject, one.timestamp, Buffer.from(one.data).toString()].join(),
  );
}

/** The same, by a program that is killed before its n-th request of the server. */
function dying(needs: RebuildNeeds, requests: number) {
  let left = requests;
  let die = () => {};
  const died = new Promise<'killed'>((resolve) => {
    die = () => resolve('killed');
  });
  const asked = <A extends unknown[], R>(act: (...args: A) => Promise<R>) => {
    return (...args: A): Promise<R> => {
      if (left-- > 0) return act(...args);
      die();
      return new Promise<R>(() => {});
    };
  };
  const { streams } = needs.jsm;
  const jsm: RebuildNeeds['jsm'] = {
    streams: {
      info: asked((...args) => streams.info(...args)),
      add: asked((...args) => streams.add(...args)),
      update: asked((...args) => streams.update(...args)),
      delete: asked((...args) => streams.delete(...args)),
    },
  };
  const nc: RebuildNeeds['nc'] = { request: asked((...args) => needs.nc.request(...args)) };
  return Promise.race([rebuildStream({ ...needs, jsm, nc }).then(() => 'done' as const), died]);
}

describe('rebuilding a stream', () => {
  test('leaves what is kept as it was, and goes on behind it', async (t) => {
    const { log, jsm, needs } = await startUntrimmedLog(t);
    const before = await messagesOf(jsm, 'TOWER_0');
    await jsm.streams.update('TOWER_0', { max_bytes: 1e9 });
    const steps: Step[] = [];
    const rebuilt = await rebuildStream(needs({ step: (step) => steps.push(step) }));
    assert.deepEqual(steps, ['freeze', 'copy', 'drop', 'replace', 'finish']);
    const after = await messagesOf(jsm, 'TOWER_0');
    assert.deepEqual(
      after,
      before.map((one, i) => (DROPPED.includes(i + 1) ? undefined : one)),
    );
    assert.deepEqual(rebuilt.config.metadata?.['argus.trimmed'], String(CUT));
    const { drift, missing } = await readLog(jsm, layout);
    assert.deepEqual([drift.map(({ field, is }) => [field, is]), missing], [[['max_bytes', 1e9]], []]);
    const appended = await log.append(userCommit('next'), { shard, expected: 0, patience: 5_000 });
    assert.deepEqual(appended, { kind: 'appended', position: COUNT + 1 });
    // A subject of which something is left knows its last position still.
    const { id, ...commit } = userCommit(`user ${KEPT[1]}`);
    const late = { id, ...commit };
    assert.equal((await log.append(late, { shard, expected: KEPT[1] ?? 0, patience: 5_000 })).kind, 'appended');
    const again = await rebuildStream(needs({ step: () => assert.fail('nothing is left to be done') }));
    assert.equal(again.state.last_seq, COUNT + 2);
  });

  test('that was killed, wherever, is gone on with; and no node starts meanwhile', async (t) => {
    const { log, jsm, renew, needs } = await startUntrimmedLog(t);
    const outcomes = new Set<string>();
    for (let requests = 0; ; requests++) {
      await renew();
      const before = await messagesOf(jsm, 'TOWER_0');
      const outcome = await dying(needs(), requests);
      outcomes.add(outcome);
      const isStarted = await ensureStreams(log.nc, layout).then(
        () => true,
        (error) => {
          assert.equal(error.code, 'trim-unfinished', error);
          return false;
        },
      );
      // Who starts finds all of it, or what is to be left.
      if (isStarted)
        assert.ok([COUNT, COUNT - DROPPED.length].includes((await jsm.streams.info('TOWER_0')).state.messages));
      await rebuildStream(needs());
      assert.deepEqual(
        await messagesOf(jsm, 'TOWER_0'),
        before.map((one, i) => (DROPPED.includes(i + 1) ? undefined : one)),
        `killed before request ${requests}`,
      );
      await ensureStreams(log.nc, layout);
      await assert.rejects(jsm.streams.info('COPY_0'));
      if (outcome === 'done') break;
    }
    assert.deepEqual(outcomes, new Set(['killed', 'done']));
  });

  for (const [what, more] of [
    ['when somebody reads it', { frozen: () => Promise.reject(new LogUnavailableError('no')) }],
    ['when what is left is not what it should be', { verify: () => Promise.reject(new LogUnavailableError('no')) }],
  ] as const)
    test(`leaves all as it was ${what}`, async (t) => {
      const { log, jsm, needs } = await startUntrimmedLog(t);
      const before = [await messagesOf(jsm, 'TOWER_0'), (await jsm.streams.info('TOWER_0')).config];
      await assert.rejects(rebuildStream(needs(more)), { message: 'no' });
      assert.deepEqual([await messagesOf(jsm, 'TOWER_0'), (await jsm.streams.info('TOWER_0')).config], before);
      await assert.rejects(jsm.streams.info('COPY_0'));
      await ensureStreams(log.nc, layout);
    });

  test('does nothing with a copy that nobody calls whole', async (t) => {
    const { jsm, needs } = await startUntrimmedLog(t);
    await jsm.streams.delete('TOWER_0');
    await jsm.streams.add({ name: 'COPY_0', subjects: ['argus.copy.0'] });
    await assert.rejects(rebuildStream(needs()), /TOWER_0 is not there, and COPY_0 is not said to be whole/);
  });
});
