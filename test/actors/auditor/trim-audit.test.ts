import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { selectKept } from '../../../actors/auditor/archive/trim-plan.js';
import type { AuditMessage, AuditSource } from '../../../actors/auditor/audit-source.js';
import type { Finding } from '../../../actors/auditor/findings.js';
import { auditTrim } from '../../../actors/auditor/trim-audit.js';
import { utf8 } from '../../../events/bytes.js';
import { CHECKPOINTS, towerStream, trimsStream } from '../../../events/log/streams.js';
import { leafHash } from '../../../events/proofs/merkle.js';
import { signMessage } from '../../../events/signing/message.js';
import { decodeHead, headHash } from '../../../events/tree-head.js';
import { encodePositions, encodeTrim, positionsHash, trimMessage } from '../../../events/trim-record.js';
import { headSecret, headTower } from '../../fixtures/stored-heads.js';
import { shard } from '../../support/log.js';
import { MadeUpLog, never } from '../../support/made-up-log.js';
import { verifiedFrom } from '../../support/verified.js';

const [TOWER, TRIMS] = [towerStream(shard), trimsStream(shard)];

/** The rest of a log that was trimmed up to its end. */
class TrimmedLog extends MadeUpLog {
  cuts = new Map<string, number>();

  async cut(stream: string): Promise<number> {
    return this.cuts.get(stream) ?? 0;
  }

  override async *remaining(stream: string, from: number, through: number) {
    for (const message of this.of(stream).slice(from - 1, through)) if (message) yield [message];
  }
}

/** A log as it was, and what was left of it; `list` is what its record names as kept, if that is to be something else. */
async function trimmed(list?: Uint8Array) {
  const archive = new MadeUpLog().grow(3);
  const all = archive.of(TOWER);
  const cut = all.length;
  const kept = list ?? encodePositions(await selectKept(archive, shard, cut, { signal: never }));
  const at = archive.of(CHECKPOINTS).at(-1) ?? assert.fail();
  const head = decodeHead(at.data);
  const record = {
    v: 1 as const,
    shard,
    cut,
    root: head.root,
    head: { position: at.position, sha256: headHash(head) },
    kept: { count: 1, sha256: positionsHash(kept), first: 2, last: 2 },
  };
  const signature = signMessage(trimMessage(record), headSecret);
  const live = new TrimmedLog();
  for (const [stream, messages] of archive.streams) live.streams.set(stream, Array.from(messages));
  const said = {
    leaves: Buffer.concat(all.map(({ data }) => leafHash(data))),
    kept,
    record: encodeTrim({ ...record, signature }),
  };
  const trims = Object.entries(said).map(
    ([what, data], i): AuditMessage => ({
      stream: TRIMS,
      position: i + 1,
      subject: `argus.trims.0.${what}`,
      time: 0,
      data,
    }),
  );
  live.streams.set(TRIMS, trims);
  live.cuts.set(TOWER, cut);
  return { archive, live, cut };
}

/** What is found of a trim, as it is told. */
async function foundOf(parts: NonNullable<AuditSource['parts']>): Promise<string[]> {
  const findings: Finding[] = [];
  await auditTrim(shard, parts, headTower, (finding) => findings.push(finding), { signal: never });
  return findings.map(textOf);
}

const textOf = ({ stream, position, what, why }: Finding) => `${stream} ${position} ${what}: ${why}`;

/** Puts other bytes in the place of a message. */
function damage(log: MadeUpLog, stream: string, position: number): void {
  const message = log.of(stream)[position - 1] ?? assert.fail();
  log.of(stream)[position - 1] = { ...message, data: utf8('{}') };
}

const SEEN = /^message 2 of TOWER_0, on .*, is damaged/;

describe('what is wrong with a trim is told, whatever it is', () => {
  test('nothing', async () => assert.deepEqual(await foundOf(await trimmed()), []));

  for (const position of [1, 2, 3])
    test(`message ${position} of what is written down of it is gone`, async () => {
      const log = await trimmed();
      delete log.live.of(TRIMS)[position - 1];
      assert.deepEqual(await foundOf(log), [
        `TRIMS_0 ${position} missing: TRIMS_0 has no message ${position}, though nothing may be deleted there`,
      ]);
    });

  test('a message in the archive is no commit', async () => {
    const log = await trimmed();
    damage(log.archive, TOWER, 2);
    const [found = '', ...more] = await foundOf(log);
    const [told, why = ''] = found.split('cannot be told: ');
    assert.equal(told, `TOWER_0 ${log.cut} trim: what matters of the messages up to here `);
    assert.match(why, SEEN);
    assert.deepEqual(more, []);
  });

  test('its head is none in the archive', async () => {
    const log = await trimmed();
    damage(log.archive, CHECKPOINTS, 3);
    assert.deepEqual(await foundOf(log), ['TRIMS_0 3 trim: it names another head than the one at 3 of CHECKPOINTS']);
  });

  test('its head is not in the archive', async () => {
    const log = await trimmed();
    delete log.archive.of(CHECKPOINTS)[2];
    assert.deepEqual(await foundOf(log), ['TRIMS_0 3 trim: it names another head than the one at 3 of CHECKPOINTS']);
  });

  test('what is kept is no list of positions', async () => {
    const log = await trimmed(Uint8Array.of(1, 0));
    assert.deepEqual(await foundOf(log), ['TRIMS_0 3 trim: what it keeps is no list: positions that do not ascend']);
  });

  test('but not where the log was trimmed anew meanwhile', async () => {
    const { archive, live, cut } = await trimmed();
    const remaining = live.remaining.bind(live);
    live.remaining = (stream, _, through) => {
      live.cuts.set(TOWER, cut + 1);
      return remaining(stream, 2, through);
    };
    const anew = { code: 'log-unavailable', message: 'TOWER_0 was trimmed just now: try again' };
    await assert.rejects(foundOf({ archive, live }), anew);
    await assert.rejects(foundOf({ archive, live }), anew, 'the archive has not as much');
  });
});

test('an audit that finds something wrong with a trim tells all else that is wrong, too', async () => {
  const { archive, live, cut } = await trimmed();
  damage(archive, TOWER, 2);
  damage(archive, CHECKPOINTS, 3);
  delete live.of(TRIMS)[0];
  const source: AuditSource = Object.assign(new MadeUpLog(), { streams: archive.streams, parts: { archive, live } });
  const { findings } = await verifiedFrom(source, headTower, { threads: 0 });
  const found = findings.map(({ stream, position, what }) => `${stream} ${position} ${what}`);
  for (const wanted of ['CHECKPOINTS 3 head', 'TOWER_0 2 commit', `TOWER_0 ${cut} trim`, 'TRIMS_0 1 missing'])
    assert.ok(found.includes(wanted), `${wanted} in ${found.join(', ')}`);
});
