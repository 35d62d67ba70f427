import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TrackerEvent } from '../../events/tracker.js';
import { evolveTracker, isLive, noTracker } from '../../projections/tracker.js';
import { block } from '../fixtures/blocks.js';
import {
  blobRefused,
  breached,
  breachReorgedOut,
  dispute,
  outspendIrrevocable,
  outspendReorgedOut,
  penalty,
  penaltyBroadcast,
  penaltyConfirmed,
  penaltyIrrevocable,
  penaltyOutspent,
  penaltyRefused,
  penaltyReorgedOut,
  rival,
  sighted,
} from '../fixtures/histories.js';
import { locator, userId } from '../fixtures/ids.js';

const after = (...events: TrackerEvent[]) => events.reduce(evolveTracker, noTracker());

const breach = {
  userId: userId('alice'),
  locator: locator('channel'),
  disputeTxid: dispute,
  disputeBlock: block(1000),
  sightedAt: null,
};
const refusal = { verdict: 'policy', blob: 1, height: 1000 };
const confirmed = [breached(), penaltyBroadcast(), penaltyConfirmed(block(1001))];

describe('a tracker', () => {
  test('begins with a breach', () => {
    assert.deepEqual(after(), { stage: 'none' });
    assert.deepEqual(after(breached()), { ...breach, stage: 'breached', refusal: null });
  });

  test('goes from breach to burial', () => {
    assert.deepEqual(after(...confirmed.slice(0, 2)), {
      ...breach,
      stage: 'broadcast',
      penalty,
      refusal: null,
      since: 1000,
    });
    assert.deepEqual(after(...confirmed), { ...breach, stage: 'confirmed', penalty, block: block(1001) });
    const buried = after(...confirmed, penaltyIrrevocable(1100));
    assert.deepEqual(buried, { ...breach, stage: 'irrevocable', penalty, block: block(1001) });
  });

  test('remembers what bitcoind refused, until it takes it', () => {
    const refused = penaltyRefused('policy');
    assert.deepEqual(after(breached(), refused), { ...breach, stage: 'breached', refusal });
    const sent = { ...breach, stage: 'broadcast', penalty, since: 1000 };
    assert.deepEqual(after(breached(), penaltyBroadcast(), refused), { ...sent, refusal });
    assert.deepEqual(after(breached(), refused, penaltyBroadcast()), { ...sent, refusal: null });
  });

  test('is given up with the blob that was of no use', () => {
    assert.deepEqual(after(breached(), blobRefused(3)), { ...breach, stage: 'blob-refused', blob: 3 });
    const final = penaltyRefused('invalid', { blob: 4, final: true });
    const givenUp = { ...breach, stage: 'penalty-refused', blob: 4 };
    assert.deepEqual(after(breached(), final), givenUp);
    assert.deepEqual(after(breached(), penaltyBroadcast(), final), givenUp);
  });

  test('begins anew with a newer blob', () => {
    assert.deepEqual(after(breached(), blobRefused(3), penaltyBroadcast()), after(breached(), penaltyBroadcast()));
    const refused = after(breached(), blobRefused(3), penaltyRefused('policy'));
    assert.deepEqual(refused, { ...breach, stage: 'breached', refusal });
  });

  test('is live while the penalty is neither buried nor given up', () => {
    for (const n of [1, 2, 3]) assert.ok(isLive(after(...confirmed.slice(0, n))));
    assert.ok(isLive(after(...confirmed, penaltyReorgedOut(block(1001)))));
    assert.ok(!isLive(after()));
    assert.ok(!isLive(after(...confirmed, penaltyIrrevocable(1100))));
    assert.ok(!isLive(after(breached(), blobRefused(1))));
    assert.ok(!isLive(after(breached(), penaltyRefused('invalid', { final: true }))));
  });

  test('is not changed by an event that cannot be: a fold never fails', () => {
    for (const event of [breachReorgedOut(), blobRefused(1), penaltyBroadcast(), ...confirmed.slice(2)])
      assert.deepEqual(after(event), { stage: 'none' });
    for (const event of [penaltyConfirmed(block(1001)), penaltyReorgedOut(block(1001)), penaltyIrrevocable(1100)])
      assert.deepEqual(after(breached(), event), after(breached()));
  });
});

describe('a penalty that another transaction outspent', () => {
  const at = block(1003);
  const outspend = { output: { txid: dispute, vout: 0 }, spentBy: rival, block: at };

  test('is still live, whether or not it was ever taken', () => {
    const never = after(breached(), penaltyOutspent(at));
    assert.deepEqual(never, { ...breach, stage: 'outspent', penalty: null, since: 1003, blob: 1, outspend });
    const taken = after(breached(), penaltyBroadcast(), penaltyOutspent(at));
    assert.deepEqual(taken, { ...breach, stage: 'outspent', penalty, since: 1000, blob: 1, outspend });
    assert.ok(isLive(never) && isLive(taken));
  });

  test('is what it was before when a reorg takes that transaction out', () => {
    for (const history of [[breached()], [breached(), penaltyBroadcast()]])
      assert.deepEqual(after(...history, penaltyOutspent(at), outspendReorgedOut(at)), after(...history));
  });

  test('is given up when that transaction is buried', () => {
    const over = after(breached(), penaltyBroadcast(), penaltyOutspent(at), outspendIrrevocable(1102));
    assert.deepEqual(over, { ...breach, stage: 'penalty-refused', blob: 1 });
    assert.ok(!isLive(over));
  });

  test('may be mined all the same, says a node that knows better', () => {
    const known = after(breached(), penaltyBroadcast(), penaltyOutspent(at), penaltyConfirmed(at));
    assert.deepEqual(known, { ...breach, stage: 'confirmed', penalty, block: at });
    assert.deepEqual(after(breached(), outspendReorgedOut(at), outspendIrrevocable(1102)), after(breached()));
  });
});

describe('a reorg', () => {
  const moved = block(1002, 'b');

  test('takes the dispute out at every stage, and in again', () => {
    for (const n of [1, 2, 3]) {
      const history = confirmed.slice(0, n);
      assert.deepEqual(after(...history, breachReorgedOut()), {
        ...after(...history),
        disputeBlock: null,
        lostBlock: block(1000),
      });
      const back = after(...history, breachReorgedOut(), breached(moved));
      assert.deepEqual(back, { ...after(...history), disputeBlock: moved });
    }
  });

  test('takes the penalty out: it is to be sent again', () => {
    const out = after(...confirmed, penaltyReorgedOut(block(1001)));
    assert.deepEqual(out, { ...breach, stage: 'broadcast', penalty, refusal: null, since: 1001 });
    assert.deepEqual(after(...confirmed, penaltyReorgedOut(block(1001)), penaltyConfirmed(moved)), {
      ...breach,
      stage: 'confirmed',
      penalty,
      block: moved,
    });
  });

  test('makes refusals void, since they were for where the dispute was then', () => {
    const refused = [breached(), penaltyRefused('policy')];
    assert.deepEqual(after(...refused, breachReorgedOut()), {
      ...breach,
      disputeBlock: null,
      lostBlock: block(1000),
      stage: 'breached',
      refusal: null,
    });
    assert.deepEqual(after(...refused, breached(moved)), {
      ...breach,
      disputeBlock: moved,
      stage: 'breached',
      refusal: null,
    });
  });

  test('does not change whose breach it is, or what was sent', () => {
    const stranger = breached(moved, { userId: userId('bob'), locator: locator('other') });
    assert.deepEqual(after(breached(), stranger), { ...after(breached()), disputeBlock: moved });
  });
});

describe('a dispute that was only seen in a mempool', () => {
  const onlySighted = { ...breach, disputeBlock: null, sightedAt: 999 };
  const sent = [sighted(), penaltyBroadcast()];

  test('begins a tracker, which is answered like any other', () => {
    assert.deepEqual(after(sighted()), { ...onlySighted, stage: 'breached', refusal: null });
    assert.deepEqual(after(...sent), { ...onlySighted, stage: 'broadcast', penalty, refusal: null, since: 1000 });
    const refused = after(sighted(), penaltyRefused('policy'));
    assert.deepEqual(refused, { ...onlySighted, stage: 'breached', refusal });
    assert.deepEqual(after(sighted(), blobRefused(3)), { ...onlySighted, stage: 'blob-refused', blob: 3 });
  });

  test('is in a block from then on, at whatever stage it was', () => {
    for (const history of [[sighted()], sent, [...sent, penaltyConfirmed(block(1001))]])
      assert.deepEqual(after(...history, breached()), after(breached(), ...history.slice(1)));
  });

  test('does not become one again by a reorg, which takes out what was in a block', () => {
    const out = after(...sent, breached(), breachReorgedOut());
    const lost = { ...onlySighted, sightedAt: null, lostBlock: block(1000) };
    assert.deepEqual(out, { ...lost, stage: 'broadcast', penalty, refusal: null, since: 1000 });
  });

  test('is nothing new where there is a tracker', () => {
    for (const history of [[breached()], sent, confirmed])
      assert.deepEqual(after(...history, sighted(1003)), after(...history));
  });
});
