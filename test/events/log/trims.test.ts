import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Shard } from '../../../events/ids.js';
import { ensureStreams } from '../../../events/log/ensure-streams.js';
import { EventLog } from '../../../events/log/log.js';
import { rebuildStream } from '../../../events/log/rebuild-stream.js';
import { writeLeaves, writeTrim } from '../../../events/log/trim-writer.js';
import { leafPieces, readTrim, trimsSubject } from '../../../events/log/trims.js';
import { leafHash } from '../../../events/proofs/merkle.js';
import { Succession } from '../../../events/trim-record.js';
import { headSecret } from '../../fixtures/stored-heads.js';
import type { Cleanup } from '../../support/temp-dir.js';
import { COUNT, CUT, each, KEPT, layout, startUntrimmedLog } from '../../support/trimmed-log.js';

const shard = 0 as Shard;
/** The same when it was trimmed. */
async function startTrimmed(t: Cleanup, secret = headSecret) {
  const all = await startUntrimmedLog(t, secret);
  await rebuildStream(all.needs());
  return all;
}

/** The positions that come from a stream that is followed, up to the last; or why it is not. */
function followed(log: EventLog, after = 0): Promise<number[] | string> {
  const found: number[] = [];
  return new Promise((resolve) => {
    const following = log.follow('TOWER_0', shard, {
      after,
      onCommit: ({ position }) => {
        found.push(position);
        if (position < COUNT) return;
        following.stop();
        resolve(found);
      },
      onFailure: ({ message }) => resolve(message),
    });
  });
}

describe('a log that was trimmed', () => {
  test('is followed from its beginning or behind the cut, and a gap that nothing explains is damage', async (t) => {
    const { log, nats, leaves } = await startTrimmed(t);
    await ensureStreams(log.nc, layout);
    assert.deepEqual(await followed(log), [...KEPT, 11, 12, 13]);
    assert.deepEqual(await followed(log, 10), [11, 12, 13]);
    assert.deepEqual(await followed(log, 12), [13]);
    assert.equal(await followed(log, 5), 'TOWER_0 was trimmed up to 10: it cannot be followed from 5 on');
    // In bulk, over a line of its own.
    assert.deepEqual(await followed(await EventLog.open(log.nc, { seed: nats.nodeSeed, from: 1 })), [
      ...KEPT,
      11,
      12,
      13,
    ]);
    const pieces = [];
    for await (const piece of leafPieces(log.jsm, shard)) pieces.push(piece.data);
    assert.deepEqual(Buffer.concat(pieces), Buffer.concat(leaves.slice(0, CUT)));
    assert.equal(await log.cut('TOWER_0'), CUT);

    const { config } = await log.jsm.streams.info('TOWER_0');
    const broken = async (metadata: Record<string, string>) => {
      await log.jsm.streams.update('TOWER_0', { metadata });
      return followed(log);
    };
    assert.equal(await broken({}), 'TOWER_0 has no message 2: it goes on at 4');
    assert.match(
      `${await broken({ 'argus.trimmed': '9' })}`,
      /TRIMS_0 does not say what is left of the messages up to 9/,
    );
    await log.jsm.streams.update('TOWER_0', { metadata: config.metadata ?? {} });
    assert.deepEqual(await followed(log), [...KEPT, 11, 12, 13]);
  });

  test('has what is written of it written once, and never otherwise', async (t) => {
    const { log, leaves } = await startTrimmed(t);
    const before = (await log.jsm.streams.info('TRIMS_0')).state.messages;
    await writeLeaves(log, shard, each(leaves.slice(0, CUT)));
    const about = { shard, cut: CUT, root: 'cd'.repeat(32), head: { position: 1, sha256: 'cd'.repeat(32) } };
    await writeTrim(log, about, KEPT, () => assert.fail('nothing is signed anew'));
    assert.equal((await log.jsm.streams.info('TRIMS_0')).state.messages, before);
    await writeLeaves(log, shard, each(leaves));
    const pieces = [];
    for await (const piece of leafPieces(log.jsm, shard)) pieces.push(piece.data);
    assert.deepEqual(Buffer.concat(pieces), Buffer.concat(leaves));
    // Of two who write the same at once, one may be refused, and may do it again.
    const more = [...leaves, leafHash(Buffer.from('one more'))];
    const both = await Promise.allSettled([writeLeaves(log, shard, each(more)), writeLeaves(log, shard, each(more))]);
    assert.ok(both.some(({ status }) => status === 'fulfilled'));
    await writeLeaves(log, shard, each(more));
    const last = [];
    for await (const { data } of leafPieces(log.jsm, shard)) last.push(data);
    assert.deepEqual(Buffer.concat(last), Buffer.concat(more));
    const other = leaves.map((leaf, i) => (i === 7 ? leafHash(leaf) : leaf));
    await assert.rejects(
      writeLeaves(log, shard, each(other)),
      /TRIMS_0 has another hash of message 8 than the archive/,
    );
  });

  test('is not worked on if the tower did not sign how, or what is said of it is lost', async (t) => {
    const { log } = await startTrimmed(
      t,
      headSecret.map((byte) => byte ^ 1),
    );
    await assert.rejects(ensureStreams(log.nc, layout), {
      code: 'damaged-trim',
      message: 'TRIMS_0: the tower has not signed the record of the trim at 10',
    });
    await log.jsm.streams.delete('TRIMS_0');
    await assert.rejects(ensureStreams(log.nc, layout), /TRIMS_0 is missing, with all that it held/);
  });

  test('may keep nothing that its record does not name', async (t) => {
    const { log } = await startTrimmed(t);
    const trim = (await readTrim(log.jsm, 'TOWER_0')) ?? assert.fail();
    assert.equal(new Succession(trim).after(5), 10);
    await log.store('TRIMS_0', { subject: `${trimsSubject(shard)}.record`, data: Buffer.from('{"v":1}') });
    assert.match(`${await followed(log)}`, /not the record of a trim/);
  });
});
