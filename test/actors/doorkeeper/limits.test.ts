import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveLimits } from '../../../actors/config-limits.js';
import { limitsDecider } from '../../../actors/doorkeeper/decisions.js';
import { RateLimiter } from '../../../actors/gateway/rate-limiter.js';
import { userId } from '../../fixtures/ids.js';

const { decide, evolve, initialState } = limitsDecider;

test('limits are set, changed and left to the nodes again; asking twice says nothing more', () => {
  let state = initialState();
  for (const [wanted, changed, after] of [
    [{ maxUsers: 5, maxAppointments: null }, { maxUsers: 5 }, { maxUsers: 5 }],
    [
      { maxUsers: 5, userRequestsPerSecond: 0 },
      { userRequestsPerSecond: 0 },
      { maxUsers: 5, userRequestsPerSecond: 0 },
    ],
    [{ maxUsers: null }, { maxUsers: null }, { userRequestsPerSecond: 0 }],
  ] as const) {
    const { outcome, events } = decide(wanted, state);
    assert.deepEqual([outcome, events], [after, [{ type: 'LimitsChanged', limits: changed }]]);
    state = events.reduce(evolve, state);
    assert.deepEqual(state, after);
    assert.deepEqual(decide(wanted, state), { outcome: after, events: [] });
  }
});

test("what is set goes before a node's own, from that moment on", () => {
  let set = {};
  const own = {
    ...{ maxAppointments: 10, maxBlobBytes: 2048, minToSelfDelay: 20, maxUsers: 3, maxSlotsPerUser: 100 },
    ...{ registrationsPerMinute: 60, userRequestsPerSecond: 1, sourceRequestsPerSecond: 0 },
  };
  const limits = liveLimits(own, () => set);
  assert.deepEqual({ ...limits }, own);
  const now = 0;
  const limiter = new RateLimiter(limits, () => now);
  const taken = () => Array.from({ length: 15 }, () => limiter.ofUser(userId('one'))).filter((no) => !no).length;
  assert.equal(taken(), 10, 'ten seconds worth');
  set = { maxUsers: 7, userRequestsPerSecond: 0 };
  assert.deepEqual([limits.maxUsers, limits.maxAppointments, taken()], [7, 10, 15]);
  set = {};
  assert.deepEqual([limits.maxUsers, taken()], [3, 0]);
});
