import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overHttp } from '../../actors/client/http-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { aggregateSubject, userAggregate } from '../../events/aggregate.js';
import { encodeCommit, newCommit } from '../../events/commit.js';
import type { UserId } from '../../events/ids.js';
import { EventLog } from '../../events/log/log.js';
import { towerStream } from '../../events/log/streams.js';
import { height } from '../fixtures/blocks.js';
import { accepted, blob, ended } from '../fixtures/histories.js';
import { again } from '../support/again.js';
import { startHttpTower, urlOf } from '../support/http-tower.js';
import { type NewCommit, shard } from '../support/log.js';
import { secretKey, type TestTower } from '../support/tower.js';
import { until } from '../support/until.js';

/** Whose locators are more than an answer over NATS has room for: the client asks over HTTP. */
const COUNT = 20_000;
const AT_ONCE = 200;

test('a user with 20,000 appointments is told of all that are live, in the order in which they came', async (t) => {
  const tower = await startHttpTower(t);
  const client = new TowerClient(overHttp(urlOf(tower)), { towerId: tower.key.towerId, secretKey: secretKey() });
  await client.register();
  const mine = Array.from({ length: COUNT }, (_, n) => acceptedAs(n));
  // One ends, and the first comes anew: it keeps its place, and is read where it is now.
  const renewed = { ...acceptedAs(0), blob: blob(COUNT + 1) };
  await publish(tower, client.userId, [...mine, ended('7', 'expired'), renewed]);
  await until('all are known', () => tower.node.shards[0]?.counts.appointments === COUNT - 1);
  const begun = performance.now();
  const { locators } = await again(() => client.getSubscriptionInfo());
  t.diagnostic(`${COUNT} locators in ${Math.round(performance.now() - begun)} ms`);
  assert.deepEqual(
    locators,
    mine.filter((_, n) => n !== 7).map(({ locator }) => locator),
  );
});

const acceptedAs = (n: number) => accepted(`${n}`, { slotsLeft: 100, startBlock: height(100), blob: blob(n + 1) });

/** Writes what a node would have written in the course of years, a commit for each, no faster than the server stores them. */
async function publish(tower: TestTower, userId: UserId, events: readonly object[]): Promise<void> {
  const log = await EventLog.open(await tower.nats.connect('node'));
  const user = userAggregate(userId);
  const before = await log.tail(towerStream(shard));
  for (let stored = 0; stored < events.length; ) {
    const some = events.slice(stored, stored + AT_ONCE);
    for (const event of some)
      log.nc.publish(
        aggregateSubject(user, shard),
        encodeCommit(newCommit(user, [event], 'other', Date.now()) as NewCommit),
      );
    stored += some.length;
    await until('they are stored', async () => (await log.tail(towerStream(shard))) >= before + stored);
  }
}
