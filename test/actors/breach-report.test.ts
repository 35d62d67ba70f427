import { describe, test } from 'node:test';
import { decideBreach, decideSighted, type Seen, type Sighting } from '../../actors/breach-report.js';
import type { Decision } from '../../events/decider.js';
import type { TrackerEvent } from '../../events/tracker.js';
import { evolveTracker, noTracker } from '../../projections/tracker.js';
import { block, height } from '../fixtures/blocks.js';
import {
  accepted,
  blobRefused,
  breached,
  breachReorgedOut,
  dispute,
  penaltyBroadcast,
  penaltyConfirmed,
  penaltyIrrevocable,
  penaltyRefused,
  penaltyReorgedOut,
  sighted,
} from '../fixtures/histories.js';
import { txid, userId } from '../fixtures/ids.js';
import { specify } from '../support/given.js';

/** A block that the log's chain has left. */
const left = block(1001, 'left');

const given = specify({
  initialState: noTracker,
  evolve: evolveTracker,
  decide: (sighting: Sighting, state): Decision<boolean, TrackerEvent> =>
    decideBreach(sighting, state, ({ hash }) => hash !== left.hash),
});

const seen = (about: Partial<Sighting> = {}): Sighting => ({
  hit: { ...accepted('channel'), userId: userId('alice') },
  disputeTxid: dispute,
  block: block(1000),
  foundBy: 'watcher',
  ...about,
});

const isNews = (sighting: Sighting, history: TrackerEvent[], event: TrackerEvent) =>
  given(...history)
    .when(sighting)
    .gives(true, event);
const isKnown = (sighting: Sighting, history: TrackerEvent[]) =>
  given(...history)
    .when(sighting)
    .gives(false);

describe('a breach seen in a block', () => {
  const confirmed = [breached(), penaltyBroadcast(), penaltyConfirmed(block(1001))];
  const live = [[breached()], [breached(), penaltyRefused('policy')], [breached(), penaltyBroadcast()], confirmed];

  const givenUp = [
    [breached(), blobRefused(1)],
    [breached(), penaltyRefused('invalid', { final: true })],
  ];

  test('is news if it is the first of its appointment, whoever found it', () => {
    isNews(seen(), [], breached());
    isNews(seen({ foundBy: 'locator-cache' }), [], breached(block(1000), { foundBy: 'locator-cache' }));
  });

  test('is known if it was reported before, by the other finder or another node', () => {
    for (const history of live) {
      isKnown(seen(), history);
      isKnown(seen({ foundBy: 'locator-cache' }), history);
    }
  });

  test('is news in another block, at every stage: a reorg moved the dispute', () => {
    const moved = block(1001, 'b');
    for (const history of live) isNews(seen({ block: moved }), history, breached(moved));
    isNews(seen({ block: moved }), [breached(), breachReorgedOut()], breached(moved));
  });

  test('is news in the same block again, after that block was gone and came back', () => {
    isNews(seen(), [breached(), breachReorgedOut()], breached());
    const away = [...confirmed, breachReorgedOut(), penaltyReorgedOut(block(1001))];
    isNews(seen(), away, breached());
  });

  test('is no news of a dispute that is known, in a block that the chain has left; the first of an appointment is', () => {
    for (const history of [...live, [breached(), breachReorgedOut()], ...givenUp])
      isKnown(seen({ block: left }), history);
    isNews(seen({ block: left }), [], breached(left));
  });

  test('is known when its answer is at an end', () => {
    const moved = seen({ block: block(1001, 'b') });
    isKnown(moved, [...confirmed, penaltyIrrevocable(1100)]);
    for (const history of givenUp) isKnown(seen(), history);
  });

  test('is news in another block also where it was given up: a newer version goes on from there', () => {
    const moved = block(1001, 'b');
    for (const history of givenUp) isNews(seen({ block: moved }), history, breached(moved));
  });

  test('by another transaction with the same locator is not the one being answered', () => {
    for (const history of live) isKnown(seen({ disputeTxid: txid('twin'), block: block(1002) }), history);
  });

  test('is news if it was only seen in the mempool until now, at every stage', () => {
    for (const history of live) isNews(seen(), [sighted(), ...history.slice(1, 2)], breached());
  });
});

describe('a dispute seen in the mempool', () => {
  const givenSeen = specify({
    initialState: noTracker,
    evolve: evolveTracker,
    decide: (sighting: Seen, state): Decision<boolean, TrackerEvent> => decideSighted(sighting, height(999), state),
  });
  const { hit, disputeTxid } = seen();
  const inMempool: Seen = { hit, disputeTxid, block: null };

  test('is news if it is the first of its appointment', () => {
    givenSeen().when(inMempool).gives(true, sighted(999));
  });

  test('is known whenever there is a tracker: seen before, mined, reorged out, or at an end', () => {
    for (const history of [
      [sighted(990)],
      [breached()],
      [breached(), breachReorgedOut()],
      [breached(), penaltyBroadcast(), penaltyConfirmed(block(1001)), penaltyIrrevocable(1100)],
      [sighted(990), blobRefused(1)],
    ])
      givenSeen(...history)
        .when(inMempool)
        .gives(false);
  });
});
