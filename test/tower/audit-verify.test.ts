import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AuditMessage } from '../../actors/auditor/audit-source.js';
import { bitcoindWitness } from '../../actors/auditor/bitcoind-witness.js';
import { openLiveSource } from '../../actors/auditor/live-source.js';
import type { SavedAudit } from '../../actors/auditor/saved-audit.js';
import { decodeAudit, encodeAudit } from '../../actors/auditor/saved-audit.js';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { aggregateSubject, scanAggregate, userAggregate } from '../../events/aggregate.js';
import { encodeCommit, newCommit } from '../../events/commit.js';
import { blobHash } from '../../events/log/blobs.js';
import { CHAIN, CHECKPOINTS } from '../../events/log/streams.js';
import { encodeHead, headMessage, type TreeHead } from '../../events/tree-head.js';
import { ended, registered } from '../fixtures/histories.js';
import { txid, userId } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { auditedPast, BLOBS, changed, SHARD, TOWER, text } from '../support/audited-past.js';
import { type Kept, rewrite } from '../support/rewritten.js';
import { tempDir } from '../support/temp-dir.js';

/** The blob of a version that was replaced. */
const LEFT = makeAppointment('rust', txid('newer'), new Uint8Array(100), 144).encryptedBlob;
const LEFT_SHA256 = blobHash(LEFT);

test('an auditor verifies the whole log of a tower, and is told by position what was tampered with', async (t) => {
  const past = await auditedPast(t);
  const { guarded, tower, nc, jsm, original, log, heads, newest, at, audit, whatIsWrong, tampered, rewriteAnd } = past;
  const { towerId } = tower.key;

  await t.test('nothing is wrong, also to a bitcoind', async () => {
    const { findings, counts, chain } = await audit({ witness: () => bitcoindWitness(tower.bitcoind.rpc) });
    assert.deepEqual(findings, []);
    const [shard] = counts.shards as Record<string, number>[];
    assert.deepEqual(
      [shard?.messages, shard?.signed_to, shard?.heads, shard?.live_appointments, shard?.trackers],
      [log.length, log.length, heads.length, 2, 1],
    );
    assert.deepEqual([shard?.blobs_compared, shard?.user_signatures_checked], [2, 2]);
    assert.equal(shard?.user_signatures_without_blob, 2, 'an older version, and the one that was breached');
    assert.deepEqual([chain?.transactions, chain?.blocks_unknown], [2, 0]);
  });

  await t.test('a message that is altered shows by the root over it, and by what it says', async () => {
    const accepted = at('AppointmentAccepted');
    const altered = (from: string | RegExp, to: string) =>
      log.map((message, i) => (i === accepted ? changed(message, from, to) : message));
    const before = heads.findLast(({ treeSize }) => treeSize <= accepted)?.treeSize ?? 0;
    assert.equal(await tampered(TOWER, altered('"node":"one"', '"node":"two"')), `${TOWER} ${before + 1} root`);
    assert.equal(await tampered(TOWER, altered(/"slots":\d+/, '"slots":9')), `${TOWER} ${accepted + 1} slots`);
    const found = await rewriteAnd(TOWER, altered(/"startBlock":\d+/, '"startBlock":100'), whatIsWrong);
    assert.deepEqual(found, [`${TOWER} ${before + 1} root`, `${TOWER} ${accepted + 1} signature`]);
  });

  await t.test('what no head is over yet shows by its own signatures and by the rules', async () => {
    const { treeSize } = heads[0] ?? assert.fail('no head');
    const none = CHECKPOINTS;
    await rewrite(nc, none, []); // as if the tower had never signed
    const forged = (from: string | RegExp, to: string, which = at('AppointmentAccepted')) =>
      log.map((message, i) => (i === which ? changed(message, from, to) : message));
    const first = at('AppointmentAccepted') + 1;
    for (const [from, to, what] of [
      [/"startBlock":\d+/, '"startBlock":9999', 'height'],
      [/"startBlock":\d+/, '"startBlock":100', 'signature'],
      [/"slotsLeft":(\d+)/, '"slotsLeft":9', 'slots'],
      [/"appointmentId":"[0-9a-f]{4}/, '"appointmentId":"0000', 'appointment-id'],
      [/"receiptSignature":"[^"]{104}"/, `"receiptSignature":"${newest.signature}"`, 'signature'],
      [/"sha256":"[0-9a-f]{8}/, '"sha256":"00000000', 'blob'],
      [/"size":\d+/, '"size":4096', 'blob'], // as many slots
    ] as const) {
      const found = await rewriteAnd(TOWER, forged(from, to), whatIsWrong);
      const own = found.filter((one) => one.startsWith(`${TOWER} ${first} `) || one.startsWith(BLOBS));
      assert.ok(
        own.some((one) => one.endsWith(` ${what}`)),
        `${what} among ${found.join(', ')}`,
      );
    }
    const irrevocable = at('PenaltyIrrevocable') + 1;
    const early = forged(/"height":\d+/, '"height":150', irrevocable - 1);
    assert.deepEqual(await rewriteAnd(TOWER, early, whatIsWrong), [`${TOWER} ${irrevocable} tracker`]);
    const penalty = at('PenaltyConfirmed') + 1;
    const elsewhere = forged(/"penaltyTxid":"[0-9a-f]{8}/, '"penaltyTxid":"00000000', penalty - 1);
    assert.ok((await rewriteAnd(TOWER, elsewhere, whatIsWrong)).includes(`${TOWER} ${penalty} tracker`));
    const twice = [
      ...log.slice(0, -1),
      changed(log.at(-1) ?? assert.fail(), /"chainPosition":\d+/, '"chainPosition":1'),
    ];
    assert.deepEqual(await rewriteAnd(TOWER, twice, whatIsWrong), [`${TOWER} ${log.length} scan`]);
    await rewrite(nc, none, original.get(none) ?? []);
    assert.ok(treeSize > 0);
  });

  await t.test('a message that is gone is named, and so are two that changed places', async () => {
    const third = log.map((message, i) => (i === 2 ? undefined : message));
    assert.equal(await tampered(TOWER, third), `${TOWER} 3 missing`);
    const shifted = log.filter((_, i) => i !== 2);
    assert.match((await tampered(TOWER, shifted)) ?? '', new RegExp(`^${TOWER} `));
    const users = log.flatMap((message, i) => (text(message).includes('UserRegistered') ? [i] : []));
    const [a = 0, b = 0] = users;
    const swapped = log.map((message, i) => (i === a ? log[b] : i === b ? log[a] : message));
    assert.match((await tampered(TOWER, swapped)) ?? '', new RegExp(`^${TOWER} ${a + 1} (root|scan)`));
    const chain = original.get(CHAIN) ?? [];
    const reordered = [...chain.slice(0, -2), ...chain.slice(-2).reverse()];
    assert.equal(await tampered(CHAIN, reordered), `${CHAIN} ${chain.length - 1} chain`);
    const noHead = (original.get(CHECKPOINTS) ?? []).filter((_, i) => i !== 1);
    assert.equal(await tampered(CHECKPOINTS, noHead), `${CHECKPOINTS} 2 head`);
  });

  await t.test('a commit that is appended with the credentials of a node is named', async () => {
    const stranger = userId('a stranger');
    const forged = (aggregate: Parameters<typeof newCommit>[0], ...events: object[]): Kept => ({
      subject: aggregateSubject(aggregate, SHARD),
      data: encodeCommit(newCommit(aggregate, events, 'one', Date.now()) as Parameters<typeof encodeCommit>[0]),
    });
    const next = log.length + 1;
    const append = (message: Kept) => tampered(TOWER, [...log, message]);
    const { client } = guarded;
    assert.equal(await append(forged(userAggregate(stranger), registered())), `${TOWER} ${next} height`);
    assert.equal(
      await append(forged(userAggregate(stranger), registered({ start: 110 as never, expiry: 999 as never }))),
      `${TOWER} ${next} signature`,
    );
    assert.equal(await append(forged(userAggregate(client.userId), ended('none', 'resolved'))), `${TOWER} ${next} end`);
    const live = JSON.parse(text(log[at('"slots":2,')] ?? assert.fail())).events[0];
    const owner = userAggregate(/user\/(.*?)"/.exec(text(log[at('"slots":2,')] ?? assert.fail()))?.[1] as never);
    assert.equal(await append(log[at('"slots":2,')] ?? assert.fail()), `${TOWER} ${next} accept`, 'once more');
    const end = { type: 'AppointmentEnded', appointmentId: live.appointmentId, reason: 'resolved', slotsRefunded: 2 };
    assert.equal(await append(forged(owner, end)), `${TOWER} ${next} end`);
    assert.equal(await append(forged(owner, { ...end, reason: 'rejected', slotsRefunded: 0 })), `${TOWER} ${next} end`);
    assert.equal(await append(forged(owner, { type: 'SubscriptionOutdated', height: 200 })), `${TOWER} ${next} expiry`);
    assert.equal(
      await append(forged(owner, { type: 'BlobsSwept', through: 1 }, { type: 'BlobsSwept', through: 2 })),
      `${TOWER} ${next} commit`,
    );
    const scan = { type: 'BlockScanned', height: 1, hash: newest.blockHash, chainPosition: 1 };
    assert.equal(await append(forged(scanAggregate, scan)), `${TOWER} ${next} block`);
    assert.equal(
      await append({ subject: `argus.0.user.${stranger}`, data: Buffer.from('{}') }),
      `${TOWER} ${next} commit`,
    );
    assert.equal(
      await append({ ...(log[0] ?? assert.fail()), subject: `argus.0.user.${stranger}` }),
      `${TOWER} ${next} subject`,
    );
  });

  await t.test('a log that was set back shows by a head, whoever kept one', async () => {
    const { treeSize: size } = heads.at(-2) ?? assert.fail('no head');
    const earlier = log.slice(0, size);
    assert.equal(await tampered(TOWER, earlier), `${TOWER} ${size + 1} rolled-back`);
    // Set back as a whole, it is consistent; but somebody has a head, or an auditor was there before.
    let saved: SavedAudit | undefined;
    await audit({ save: (state) => (saved = decodeAudit(encodeAudit(state), towerId, 'regtest')) });
    await rewrite(nc, CHECKPOINTS, (original.get(CHECKPOINTS) ?? []).slice(0, -1));
    await rewriteAnd(TOWER, earlier, async () => {
      const ofBreach = log.findIndex((message) => text(message).includes('PenaltyBroadcast'));
      const found = await whatIsWrong();
      assert.equal(found.length, 1, 'only the blob is missed that was erased since');
      assert.match(found[0] ?? '', /^TOWER_0 \d+ blob-missing$/);
      assert.ok(Number(found[0]?.split(' ')[1]) < ofBreach + 1);
      const known = [{ head: newest, name: 'my head' }];
      assert.deepEqual(await whatIsWrong({ known, most: 1 }), [`${TOWER} ${size + 1} rolled-back`]);
      const again = await whatIsWrong({ saved: saved ?? assert.fail('nothing was saved') });
      assert.ok(
        again.includes(`${TOWER} ${size + 1} rolled-back`) &&
          again.includes(`${CHECKPOINTS} ${heads.length} rolled-back`),
      );
    });
    await rewrite(nc, CHECKPOINTS, original.get(CHECKPOINTS) ?? []);
  });

  await t.test('two different heads of one size are named, on the log or in hands', async () => {
    const { signature: _, ...fields } = newest;
    const other = { ...fields, root: 'ab'.repeat(32) };
    const head: TreeHead = { ...other, signature: tower.key.sign(headMessage(other)) };
    const all = original.get(CHECKPOINTS) ?? [];
    const message = { subject: 'argus.checkpoint.0', data: encodeHead(head) };
    assert.equal(await tampered(CHECKPOINTS, [...all, message]), `${CHECKPOINTS} ${all.length + 1} two-heads`);
    const { findings } = await audit({ known: [{ head, name: 'the head of a user' }] });
    assert.deepEqual(
      findings.map(({ what }) => what),
      ['two-heads'],
    );
    assert.match(findings[0]?.why ?? '', /the head of a user/);
    const unsigned = { subject: 'argus.checkpoint.0', data: encodeHead({ ...newest, treeSize: 999, position: 999 }) };
    const found = await rewriteAnd(CHECKPOINTS, [...all, unsigned], whatIsWrong);
    assert.ok(found.includes(`${CHECKPOINTS} ${all.length + 1} signature`), found.join());
  });

  await t.test(
    'a blob that was left a moment ago may be about to be erased, also to an audit that goes on',
    async () => {
      const replaced = log
        .map(text)
        .findLast((one) => one.includes('AppointmentAccepted') && one.includes(LEFT_SHA256));
      const { position } = JSON.parse(replaced ?? assert.fail('no version was replaced')).events[0].blob;
      const live = await openLiveSource(await tower.nats.connect('auditor'), tower.nats.auditorSeed);
      // The log as it was before the replaced version's blob was erased, and as if all blobs had been stored days before.
      const remaining: typeof live.remaining = async function* (stream, from, through, signal) {
        const subject = `argus.0.blob.${guarded.client.userId}`;
        const left = { stream, position, subject, time: 0, data: LEFT };
        const all: AuditMessage[] = position >= from && position <= through ? [left] : [];
        for await (const batch of live.remaining(stream, from, through, signal)) all.push(...batch);
        yield all.map((one) => ({ ...one, time: one.time - 259_200_000 })).sort((a, b) => a.position - b.position);
      };
      const source = { ...live, remaining };
      let saved: SavedAudit | undefined;
      const save = (state: SavedAudit) => (saved = decodeAudit(encodeAudit(state), towerId, 'regtest'));
      for (let audits = 0; audits < 3; audits++) {
        const { findings, counts } = await audit({ source, save, saved });
        assert.deepEqual(findings, []);
        assert.equal((counts.shards as Record<string, number>[])[0]?.blobs_not_yet_erased, 1);
      }
      const { findings } = await audit({ source, saved, erasureMs: 0 });
      assert.deepEqual(
        findings.map(({ what, why }) => `${what}: ${why}`),
        ['blob-left: it is still there, though its appointment ended or got another one'],
      );
      await live.close();
    },
  );

  await t.test(
    'a blob of a live appointment that is gone or another one is named, and one that should be gone',
    async () => {
      const { state } = await jsm.streams.info(BLOBS);
      assert.equal(state.messages, 2);
      const acceptedAt = at('"slots":2,') + 1;
      const { position } = JSON.parse(text(log[acceptedAt - 1] ?? assert.fail())).events[0].blob;
      const { subject, data } = await jsm.streams.getMessage(BLOBS, { seq: position });
      await nc.jetstream().publish(subject, 'nobody refers to this');
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(await whatIsWrong({ erasureMs: Number.NEGATIVE_INFINITY }), [
        `${BLOBS} ${state.last_seq + 1} blob-left`,
      ]);
      assert.deepEqual(await whatIsWrong(), [], 'it may be about to be erased');
      await jsm.streams.deleteMessage(BLOBS, position);
      assert.deepEqual(await whatIsWrong(), [`${TOWER} ${acceptedAt} blob-missing`]);
      assert.ok(data.length > 0);
    },
  );

  await t.test('the command tells it to people and programs, by its exit status too', async (t) => {
    const data = tempDir(t);
    const nkey = join(data, 'auditor.nkey');
    writeFileSync(nkey, tower.nats.auditorSeed, { mode: 0o600 });
    const args = [
      'audit',
      'verify',
      '--nats',
      tower.nats.url,
      '--nats-nkey',
      nkey,
      '--tower',
      towerId,
      '--threads',
      '0',
    ];
    const bad = await argus(args);
    assert.equal(bad.status, 1, bad.stderr);
    assert.match(bad.stdout, /^WRONG TOWER_0 \d+ \(blob-missing\): the blob at \d+ of BLOBS_0 is gone/);
    const json = JSON.parse((await argus([...args, '--all', '--json'])).stdout);
    assert.equal(json.ok, false);
    assert.equal(json.findings[0].what, 'blob-missing');
    const gone = argus(['audit', 'verify', '--nats', 'nats://127.0.0.1:1', '--nats-nkey', nkey]);
    const bads = [
      ['--threads', 'many'],
      ['--headers', join(data, 'none')],
    ].map((more) => argus([...args, ...more]));
    assert.deepEqual(
      (await Promise.all([gone, ...bads])).map(({ status }) => status),
      [3, 2, 2],
    );
  });
});
