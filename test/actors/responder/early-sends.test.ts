import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import pino from 'pino';
import type { PenaltyVerdict } from '../../../actors/responder/attempts.js';
import { EarlySends } from '../../../actors/responder/early-sends.js';
import { fromHex, reversed, toHex } from '../../../events/bytes.js';
import { Locator } from '../../../events/ids.js';
import type { SchemeName } from '../../../events/schemes/scheme.js';
import { schemes } from '../../../events/schemes/schemes.js';
import { ShardState } from '../../../projections/shard-state.js';
import type { Candidate } from '../../../projections/watchlist.js';
import { block } from '../../fixtures/blocks.js';
import { ofTracker, ofUser, placed, type Unplaced } from '../../fixtures/commits.js';
import {
  accepted,
  blob,
  blobRefused,
  breached,
  deleted,
  ended,
  outdated,
  registered,
} from '../../fixtures/histories.js';
import { txid } from '../../fixtures/ids.js';
import { encryption } from '../../fixtures/teos-vectors.js';

const tip = block(1001);
const dispute = reversed(fromHex(txid('dispute')));
const { penalty } = encryption.rust;
/** The same with another lock time. */
const another = `${penalty.slice(0, -8)}01000000`;

/** The appointment of that name, which waits for the dispute; its blob is at that position. */
const waiting = (name: string, position: number, scheme: SchemeName = 'teos-internal') =>
  accepted(name, { scheme, locator: hint(scheme), blob: blob(position) });
const hint = (scheme: SchemeName) => Locator.parse(toHex(schemes[scheme].hint(dispute)));
const sealed = (plaintext: string, scheme: SchemeName = 'teos-internal', by = dispute) =>
  schemes[scheme].seal(fromHex(plaintext), by);

/** A shard with a history, what is stored of blobs, and a bitcoind that notes what it is sent. */
function world(history: readonly Unplaced[], stored: Readonly<Record<number, Uint8Array>>) {
  const state = new ShardState();
  for (const commit of placed(ofUser('alice', registered()), ofUser('bob', registered()), ...history))
    state.apply(commit);
  const sent: string[] = [];
  const gate = { blobs: Promise.resolve(), verdict: Promise.resolve<PenaltyVerdict>({ kind: 'accepted' }) };
  const carrier = {
    broadcast: (rawTx: string) => {
      sent.push(rawTx);
      return gate.verdict;
    },
  };
  const asked: number[] = [];
  const blobAt = async (position: number) => {
    asked.push(position);
    await gate.blobs;
    return stored[position];
  };
  const early = new EarlySends({ fold: { state }, carrier, blobAt, log: pino({ level: 'silent' }) });
  const candidates = (): Candidate[] => state.watchlist.lookUpAll(dispute);
  const apply = (commit: Unplaced) => state.apply(commit(state.position + 1));
  return { early, sent, asked, gate, candidates, apply };
}

describe('before an appointment is read', () => {
  test('its penalty is sent, under the scheme that it was found by', async () => {
    const history = [ofUser('alice', waiting('one', 1)), ofUser('bob', waiting('two', 2, 'teos-display'))];
    const { early, sent, candidates } = world(history, { 1: sealed(penalty), 2: sealed(another, 'teos-display') });
    await early.send(tip, candidates());
    assert.deepEqual(sent.sort(), [penalty, another].sort());
    assert.deepEqual(
      [1, 2, 3, undefined].map((at) => early.hasOpened(at)),
      [true, true, false, false],
    );
  });

  test('the same penalty of two users is sent once', async () => {
    const history = [ofUser('alice', waiting('one', 1)), ofUser('bob', waiting('two', 2))];
    const { early, sent, candidates } = world(history, { 1: sealed(penalty), 2: sealed(penalty) });
    await early.send(tip, candidates());
    assert.deepEqual(sent, [penalty]);
  });

  test('a blob of no use under the same locator keeps no other from being sent', async () => {
    const history = [1, 2, 3, 4, 5].map((at) => ofUser(at === 3 ? 'alice' : 'bob', waiting(`${at}`, at)));
    const noise = new Uint8Array(100).fill(7);
    const sealedForAnother = sealed(another, 'teos-internal', reversed(fromHex(txid('another'))));
    const noTransaction = sealed('00'.repeat(80));
    const blobs = { 1: noise, 2: sealedForAnother, 3: sealed(penalty), 4: noTransaction }; // and 5 was erased
    const { early, sent, asked, candidates } = world(history, blobs);
    await early.send(tip, candidates());
    assert.deepEqual(asked, [1, 2, 3, 4, 5]);
    assert.deepEqual(sent, [penalty]);
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((at) => early.hasOpened(at)),
      [false, false, true, false, false],
    );
  });

  test('a blob that cannot be read fails nothing', async () => {
    const history = [ofUser('alice', waiting('one', 1)), ofUser('bob', waiting('two', 2))];
    const { early, sent, gate, candidates } = world(history, { 1: sealed(penalty), 2: sealed(another) });
    gate.blobs = Promise.reject(new Error('no such luck'));
    await early.send(tip, candidates());
    assert.deepEqual(sent, []);
  });
});

describe('nothing is sent', () => {
  const meanwhile = [
    ['was replaced', ofUser('alice', waiting('one', 2))],
    ['was deleted by its user', ofUser('alice', deleted('one', { locator: hint('teos-internal') }))],
    ['has ended', ofUser('alice', ended('one', 'expired'))],
    ['is over with its subscription', ofUser('alice', ended('one', 'expired'), outdated(3000))],
  ] as const;
  for (const [what, commit] of meanwhile)
    test(`of an appointment that ${what} while its blob was read`, async () => {
      const { early, sent, gate, candidates, apply } = world([ofUser('alice', waiting('one', 1))], {
        1: sealed(penalty),
        2: sealed(another),
      });
      const found = candidates();
      assert.equal(found.length, 1);
      let go = () => {};
      gate.blobs = new Promise<void>((resolve) => (go = resolve));
      const done = early.send(tip, found);
      apply(commit);
      go();
      await done;
      assert.deepEqual(sent, []);
      assert.equal(early.hasOpened(1), false);
    });

  test('of one that was rejected, or whose breach is answered already', async () => {
    const answered = [
      ofUser('alice', waiting('one', 1)),
      ofTracker('one', breached(tip, { locator: hint('teos-internal') })),
    ];
    const rejected = [...answered, ofTracker('one', blobRefused(1)), ofUser('alice', ended('one', 'rejected'))];
    for (const history of [answered, rejected]) {
      const { early, sent, asked, candidates } = world(history, { 1: sealed(penalty) });
      assert.equal(candidates().length, 1);
      await early.send(tip, candidates());
      assert.deepEqual([sent, asked], [[], []]);
    }
  });

  test('of a block that another has come after', async () => {
    const { early, sent, gate, candidates } = world([ofUser('alice', waiting('one', 1))], { 1: sealed(penalty) });
    let go = () => {};
    gate.blobs = new Promise<void>((resolve) => (go = resolve));
    const done = early.send(tip, candidates());
    await early.send(block(1002), []);
    go();
    await done;
    assert.deepEqual(sent, []);
  });
});

describe('what was sent', () => {
  const one = [ofUser('alice', waiting('one', 1))];

  test('is not sent again for that block, once', async () => {
    const { early, gate, candidates } = world(one, { 1: sealed(penalty) });
    let answer = (_: PenaltyVerdict) => {};
    gate.verdict = new Promise((resolve) => (answer = resolve));
    const done = early.send(tip, candidates());
    await turn();
    const verdict = early.take(penalty, tip);
    answer({ kind: 'policy', detail: '-26' });
    assert.deepEqual(await verdict, { kind: 'policy', detail: '-26' });
    await done;
    assert.equal(early.take(penalty, tip), undefined, 'whoever tries again sends it again');
  });

  test('counts for no other block, no other bitcoind, and no other penalty', async () => {
    const { early, candidates } = world(one, { 1: sealed(penalty) });
    await early.send(tip, candidates());
    assert.equal(early.take(another, tip), undefined);
    assert.equal(early.take(penalty, block(1001, 'b')), undefined);
    await early.send(tip, candidates());
    early.forget();
    assert.equal(early.take(penalty, tip), undefined);
    assert.equal(early.hasOpened(1), false);
    await early.send(tip, candidates());
    await early.send(block(1002), []);
    assert.equal(early.take(penalty, tip), undefined);
  });

  test('and lost on the way is to be sent by whoever asks next', async () => {
    const { early, gate, candidates } = world(one, { 1: sealed(penalty) });
    gate.verdict = Promise.reject(new Error('bitcoind is away'));
    await early.send(tip, candidates());
    assert.equal(early.take(penalty, tip), undefined);
  });
});
