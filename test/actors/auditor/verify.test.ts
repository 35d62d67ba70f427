import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openLiveSource } from '../../../actors/auditor/live-source.js';
import { type SavedAudit, SavedAuditError } from '../../../actors/auditor/saved-audit.js';
import { blobStream, towerStream } from '../../../events/log/streams.js';
import { signMessage } from '../../../events/signing/message.js';
import { headMessage, type UnsignedHead } from '../../../events/tree-head.js';
import { block } from '../../fixtures/blocks.js';
import { argus } from '../../support/argus.js';
import { shard } from '../../support/log.js';
import { startSignedLog } from '../../support/signed-log.js';
import { tempDir } from '../../support/temp-dir.js';
import { verified } from '../../support/verified.js';

const TOWER = towerStream(shard);

describe('an audit', () => {
  test('that is interrupted goes on where it was, and comes to the same', async (t) => {
    const { nats, towerId } = await startSignedLog(t, 4_500);
    const whole = await verified(nats, towerId);
    assert.deepEqual([whole.found, whole.counts.signatures], [0, 9_002]);
    let saved: SavedAudit | undefined;
    const stop = new AbortController();
    const interrupted = verified(nats, towerId, {
      saveEveryMs: 0,
      save: (audit) => {
        saved = structuredClone(audit);
        if ((audit.shards[0]?.position ?? 0) >= 2_000) stop.abort(new Error('enough'));
      },
      signal: stop.signal,
    });
    await assert.rejects(interrupted, { message: 'enough' });
    const position = saved?.shards[0]?.position ?? 0;
    assert.ok(position >= 2_000 && position < 4_502);
    const ofArchives = saved && { ...saved, seen: { blobs: false, policy: false } };
    await assert.rejects(verified(nats, towerId, { saved: ofArchives }), SavedAuditError);
    const rest = await verified(nats, towerId, { saved });
    assert.equal(rest.found, 0);
    const [all, resumed] = [whole, rest].map(({ counts }) => (counts.shards as Record<string, number>[])[0]);
    assert.equal(resumed?.live_appointments, all?.live_appointments);
    assert.equal(resumed?.blobs_compared, 4_500, 'blobs may go at any time, so all are looked at');
    assert.ok(Number(rest.counts.signatures) < 6_000);
  });

  test('keeps its state in a file, and finds what was done to the log since', async (t) => {
    const { nats, towerId, signed, log, nc, secret } = await startSignedLog(t, 20);
    const folder = tempDir(t);
    const early = join(folder, 'early.json');
    const [nkey, state, head] = ['auditor.nkey', 'audit.state', 'head.json'].map((name) => join(folder, name));
    writeFileSync(nkey ?? '', nats.auditorSeed, { mode: 0o600 });
    const flags = ['--tower', towerId, '--nats', nats.url, '--nats-nkey', nkey ?? '', '--threads', '1', '--json'];
    const audit = async (...more: string[]) => {
      const { status, stdout, stderr } = await argus(['audit', 'verify', ...flags, ...more]);
      return { status, stderr, said: stdout && JSON.parse(stdout) };
    };
    const nowhere = await audit('--state', join(folder, 'nowhere', 'audit.state'));
    assert.deepEqual([nowhere.status, nowhere.said], [2, '']);
    assert.match(nowhere.stderr, /nowhere.audit.state cannot be written/);
    const first = await audit('--state', state ?? '');
    assert.deepEqual([first.status, first.said.signatures, first.stderr], [0, 42, '']);
    await signed.growTo(25);
    const second = await audit('--state', state ?? '');
    assert.deepEqual([second.status, second.said.signatures, second.said.shards[0].messages], [0, 10, 27]);

    const forged: UnsignedHead = {
      v: 1,
      shard,
      treeSize: 99,
      root: 'ab'.repeat(32),
      position: 99,
      height: block(110).height,
      blockHash: block(110).hash,
      previous: null,
    };
    writeFileSync(head ?? '', JSON.stringify({ ...forged, signature: signMessage(headMessage(forged), secret) }));
    const signedEarly = { ...forged, treeSize: 5, position: 5 };
    writeFileSync(early, JSON.stringify({ ...signedEarly, signature: signMessage(headMessage(signedEarly), secret) }));
    const behind = await audit('--state', state ?? '', '--head', early);
    assert.deepEqual([behind.status, behind.said], [2, '']);
    assert.match(behind.stderr, /the state goes on behind .*early.json, over 5 messages of shard 0/);
    assert.equal((await audit('--head', early)).said.findings[0].what, 'root');
    const kept = await audit('--head', head ?? '');
    assert.deepEqual([kept.status, kept.said.findings[0].what], [1, 'rolled-back']);
    assert.match(kept.said.findings[0].why, /head over 99 messages in .*head.json.*the log has 27/);
    writeFileSync(
      head ?? '',
      JSON.stringify({ ...forged, signature: signMessage(headMessage(forged), new Uint8Array(32).fill(7)) }),
    );
    assert.deepEqual((await audit('--head', head ?? '')).status, 2, 'a head of somebody else says nothing');

    const { config } = await log.jsm.streams.info(TOWER);
    await log.jsm.streams.delete(TOWER);
    await log.jsm.streams.add(config);
    for (let i = 0; i < 30; i++) await nc.jetstream().publish(`argus.0.user.x`, '{}');
    const third = await audit('--state', state ?? '');
    assert.deepEqual(
      third.said.findings.map(({ position, what }: { position: number; what: string }) => [position, what]),
      [[27, 'rewritten']],
    );
    const bytes = readFileSync(state ?? '');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(state ?? '', bytes);
    const damaged = await audit('--state', state ?? '');
    assert.equal(damaged.status, 2);
    assert.match(damaged.stderr, /audit.state is damaged/);
  });

  test('names what is no commit behind its end, where it looks for blobs that are gone, and the blobs', async (t) => {
    const { nats, nc, log, towerId } = await startSignedLog(t, 5);
    const through = await log.tail(TOWER);
    await nc.jetstream().publish('argus.0.user.x', '{}');
    await log.jsm.streams.deleteMessage(blobStream(shard), 1);
    const live = await openLiveSource(await nats.connect('auditor'), nats.auditorSeed);
    let asked = 0;
    const tail = (stream: string) => (stream === TOWER && asked++ === 0 ? Promise.resolve(through) : live.tail(stream));
    const { findings } = await verified(nats, towerId, { source: { ...live, tail } });
    await live.close();
    assert.deepEqual(
      findings.map(({ what, position }) => [what, position]),
      [
        ['blob-missing', 3],
        ['commit', through + 1],
      ],
    );
  });
});
