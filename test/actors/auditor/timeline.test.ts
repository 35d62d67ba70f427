import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { historyOf } from '../../../actors/auditor/history.js';
import { parseQuest } from '../../../actors/auditor/quest.js';
import { fromHex, reversed, toHex } from '../../../events/bytes.js';
import { Locator } from '../../../events/ids.js';
import { schemes } from '../../../events/schemes/schemes.js';
import { block } from '../../fixtures/blocks.js';
import { ofScan, ofTracker, ofUser, placed, scanned } from '../../fixtures/commits.js';
import {
  accepted,
  blob,
  breached,
  breachReorgedOut,
  dispute,
  ended,
  penalty,
  penaltyBroadcast,
  penaltyConfirmed,
  penaltyOutspent,
  registered,
  renewed,
  rival,
} from '../../fixtures/histories.js';
import { appointmentId, locator, txid, userId } from '../../fixtures/ids.js';
import { MemorySource } from '../../support/memory-source.js';

const hint = (scheme: 'teos-display' | 'teos-internal') =>
  Locator.parse(toHex(schemes[scheme].hint(reversed(fromHex(dispute)))));
const internal = hint('teos-internal');

const first = placed(
  ofUser('alice', registered()),
  ofUser('bob', registered()),
  ofUser('alice', accepted('channel', { locator: internal })),
  ofUser('bob', accepted('other')),
  ofScan(scanned(1000)),
  ofUser('alice', accepted('channel', { locator: internal, blob: blob(7) })),
  ofTracker('channel', breached(block(1000), { locator: internal })),
  ofTracker('channel', penaltyBroadcast()),
  ofTracker('channel', breachReorgedOut()),
  ofTracker('channel', breached(block(1000, 'b'), { locator: internal })),
  ofTracker('channel', penaltyConfirmed(block(1001, 'b'))),
  ofUser('bob', ended('other', 'expired')),
  ofUser('alice', ended('channel', 'resolved')),
  ofUser('bob', renewed()),
);
const second = placed(
  ofUser('carol', registered()),
  ofUser('carol', accepted('twin', { locator: hint('teos-display'), scheme: 'teos-display' })),
  ofTracker('twin', breached(block(1000), { userId: userId('carol'), locator: hint('teos-display') })),
  ofTracker('twin', penaltyOutspent(block(1001), { penaltyTxid: txid('another') })),
);
const source = new MemorySource([], first, second);
const through = { chain: 0, shards: [first.length, second.length] };
const CHANNEL = ['0:3', '0:6', '0:7', '0:8', '0:9', '0:10', '0:11', '0:13'];
const TWIN = ['1:2', '1:3', '1:4'];

async function told(text: string, log = source, place = through) {
  const quest = parseQuest(text);
  assert(quest, text);
  const way = { signal: new AbortController().signal };
  const happenings = [];
  for await (const happening of historyOf(quest, log, place, way)) happenings.push(happening);
  return happenings;
}
const placesOf = async (text: string) =>
  (await told(text)).map(({ row }) => `${row.shard}:${row.position}`).sort(byPlace);
const byPlace = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });

describe('a timeline', () => {
  test('of a user has all that it did and that was done for it, in the order of the log', async () => {
    const log = new MemorySource([], first);
    const happenings = await told(userId('alice'), log, { chain: 0, shards: [first.length] });
    assert.deepEqual(
      happenings.map(({ row }) => row.position),
      [1, 3, 6, 7, 8, 9, 10, 11, 13],
    );
    assert.match(happenings[0]?.words ?? '', /^registered \(rust\): 100 slots/);
    assert.match(happenings[1]?.words ?? '', /^appointment [0-9a-f]{40} accepted: /);
    assert.match(happenings[2]?.words ?? '', /^appointment [0-9a-f]{40} updated: /, 'a newer version');
    assert.match(happenings[8]?.words ?? '', /ended, resolved: 1 slot given back/);
  });

  test('of an appointment has its user no more than it', async () => {
    assert.deepEqual(await placesOf(appointmentId('channel')), CHANNEL);
  });

  test('of a locator is found whichever way its bytes are written', async () => {
    assert.deepEqual(await placesOf(internal), CHANNEL);
    assert.deepEqual(await placesOf(toHex(reversed(fromHex(internal)))), CHANNEL);
    assert.deepEqual(await placesOf(internal.toUpperCase()), CHANNEL);
  });

  test('of a dispute has the appointments of both generations that waited for it', async () => {
    assert.deepEqual(await placesOf(dispute), [...CHANNEL, ...TWIN]);
  });

  test('of a penalty begins where its appointment was accepted', async () => {
    assert.deepEqual(await placesOf(penalty.txid), CHANNEL);
  });

  test('of a transaction that outspent a penalty is that of the appointment', async () => {
    assert.deepEqual(await placesOf(rival), TWIN);
  });

  test('of several shards goes by when they stored it', async () => {
    const times = (await told(dispute)).map(({ stored }) => stored);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  test('of what never was is empty', async () => {
    for (const id of [userId('nobody'), appointmentId('none'), locator('none'), txid('none')])
      assert.deepEqual(await told(id), []);
  });

  test('ends where it is told to', async () => {
    const happenings = await told(appointmentId('channel'), source, { chain: 0, shards: [6, 0] });
    assert.deepEqual(
      happenings.map(({ row }) => row.position),
      [3, 6],
    );
  });

  test('goes on where one locator is that of many appointments', async () => {
    const crowd = Array.from({ length: 20 }, (_, n) => `user ${n}`);
    const commits = placed(
      ...crowd.map((name) => ofUser(name, registered())),
      ...crowd.map((name) => ofUser(name, accepted(name, { locator: internal }))),
      ...crowd.map((name) => ofUser(name, ended(name, 'expired'))),
      ofUser('bob', registered()),
      ofUser('bob', accepted('other')),
    );
    const happenings = await told(internal, new MemorySource([], commits), { chain: 0, shards: [commits.length] });
    assert.equal(happenings.length, 40);
  });

  test('is asked for by ids alone: nothing else is one', () => {
    for (const text of ['', 'alice', 'ab', '04'.repeat(33), `${internal}0`, 'zz'.repeat(16)])
      assert.equal(parseQuest(text), undefined, text);
  });
});
