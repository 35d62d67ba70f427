import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { operatorSubjects } from '../../actors/wire.js';
import { userAggregate } from '../../events/aggregate.js';
import { newCommit } from '../../events/commit.js';
import { EventLog } from '../../events/log/log.js';
import { height } from '../fixtures/blocks.js';
import { accepted, blob, registered } from '../fixtures/histories.js';
import { type NewCommit, shard } from '../support/log.js';
import { startTestTower, type TestTower } from '../support/tower.js';
import { until } from '../support/until.js';

const COMMITS = 100;
const EACH = 50;

const Listed = z.object({
  appointments: z.array(z.object({ appointment_id: z.string() })),
  next: z.string().nullable(),
});

test('a user with thousands of appointments is shown in answers that are not too long', async (t) => {
  const tower = await startTestTower(t);
  const { userId } = await tower.newClient();
  await fill(tower, userId);
  const nc = await tower.nats.connect('operator');
  const ask = async (what: keyof typeof operatorSubjects, question: object) => {
    const message = await nc.request(operatorSubjects[what], JSON.stringify(question), { timeout: 10_000 });
    return message.json<Record<string, unknown>>();
  };
  for (const question of [{}, { user_id: userId }, { limit: 7 }]) {
    const seen = new Set<string>();
    for (let after: string | null = '0.0'; after !== null; ) {
      const { appointments, next } = Listed.parse(await ask('appointments', { ...question, after }));
      for (const { appointment_id: id } of appointments) {
        assert.ok(!seen.has(id));
        seen.add(id);
      }
      assert.ok(appointments.length <= 1000);
      after = 'limit' in question && seen.size > 20 ? null : next;
    }
    if (!('limit' in question)) assert.equal(seen.size, COMMITS * EACH);
  }
  const user = await ask('user', { user_id: userId });
  assert.equal(user.error, undefined);
  assert.equal(user.user_id, userId);
});

/** The appointment of that number, with a blob of its own. */
const acceptedAs = (n: number) => accepted(`${n}`, { slotsLeft: 10_000 - n, blob: blob(n + 1) });

/** Writes what a node would have written in the course of a year. */
async function fill(tower: TestTower, userId: Parameters<typeof userAggregate>[0]): Promise<void> {
  const log = await EventLog.open(await tower.nats.connect('node'));
  const user = userAggregate(userId);
  let expected = 0;
  const append = async (events: readonly object[]) => {
    const commit = newCommit(user, events, 'other', Date.now()) as NewCommit;
    expected = (await log.append(commit, { shard, expected, patience: 20_000 })).position;
  };
  await append([registered({ slots: 10_000, start: height(100) })]);
  for (let c = 0; c < COMMITS; c++) await append(Array.from({ length: EACH }, (_, n) => acceptedAs(c * EACH + n)));
  await until('all are known', () => tower.node.shards[0]?.counts.appointments === COMMITS * EACH);
}
