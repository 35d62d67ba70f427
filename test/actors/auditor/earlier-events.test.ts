import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuditMessage, AuditSource } from '../../../actors/auditor/audit-source.js';
import { EarlierEvents } from '../../../actors/auditor/earlier-events.js';
import { userAggregate } from '../../../events/aggregate.js';
import { utf8 } from '../../../events/bytes.js';
import { encodeCommit, newCommit } from '../../../events/commit.js';
import { LogUnavailableError, MissingMessageError, TrimmedError } from '../../../events/log/errors.js';
import { towerStream } from '../../../events/log/streams.js';
import { accepted } from '../../fixtures/histories.js';
import { userId } from '../../fixtures/ids.js';
import { shard } from '../../support/log.js';
import { never } from '../../support/made-up-log.js';

const TOWER = towerStream(shard);
const was = accepted('channel');
const commit = newCommit(userAggregate(userId('alice')), [was], 'one', 0) as Parameters<typeof encodeCommit>[0];

/** What is said of a comparison with the message at position 3, where reading comes to that. */
async function said(data: Uint8Array | Error, isWrong: boolean): Promise<readonly string[]> {
  const read: AuditSource['read'] = async function* (stream, from, through) {
    assert.deepEqual([stream, from, through], [TOWER, 3, 3]);
    if (data instanceof Error) throw data;
    yield [{ stream, position: 3, subject: 'argus.0.user.x', time: 0, data } satisfies AuditMessage];
  };
  const events = new EarlierEvents({ read }, TOWER);
  const found: string[] = [];
  const { appointmentId: id } = was;
  events.add({
    position: 9,
    earlier: 3,
    id,
    isWrong: (earlier) => {
      assert.deepEqual(earlier, was);
      return isWrong;
    },
    what: 'accept',
    why: 'it was there',
  });
  await events.compare((...about) => void found.push(about.join(' ')), never);
  await events.compare(() => assert.fail('it was compared already'), never);
  return found;
}

describe('what an audit compares with an earlier acceptance', () => {
  test('is wrong or right as the acceptance on the log says, once', async () => {
    assert.deepEqual(await said(encodeCommit(commit), true), ['9 accept it was there']);
    assert.deepEqual(await said(encodeCommit(commit), false), []);
  });

  test('is right where it cannot be read any more, and waits for a log that does not answer', async () => {
    for (const gone of [new MissingMessageError(TOWER, 3), new TrimmedError(TOWER, 5), utf8('{}')])
      assert.deepEqual(await said(gone, true), []);
    await assert.rejects(said(new LogUnavailableError('no'), true), LogUnavailableError);
  });
});
