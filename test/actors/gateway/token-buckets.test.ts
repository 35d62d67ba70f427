import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RateLimiter } from '../../../actors/gateway/rate-limiter.js';
import { TokenBuckets } from '../../../actors/gateway/token-buckets.js';
import { userId } from '../../fixtures/ids.js';

/** A clock that a test sets. */
const clock = () => {
  let at = 1_000;
  const pass = (ms: number) => {
    at += ms;
  };
  return { now: () => at, pass };
};

describe('a bucket', () => {
  test('gives what it holds, then says to the millisecond when there is more', () => {
    const { now, pass } = clock();
    const buckets = new TokenBuckets({ rate: 1 / 300, size: 3, now });
    const take = () => buckets.take('a');
    assert.deepEqual([take(), take(), take(), take()], [0, 0, 0, 300]);
    pass(299);
    assert.equal(take(), 1);
    pass(1);
    assert.equal(take(), 0);
    assert.equal(take(), 300);
    pass(1e9);
    assert.deepEqual([take(), take(), take(), take()], [0, 0, 0, 300], 'never more than it holds');
  });

  test('is each key’s own', () => {
    const { now } = clock();
    const buckets = new TokenBuckets({ rate: 1 / 1000, size: 1, now });
    assert.deepEqual(
      ['a', 'b', 'a', 'b'].map((key) => buckets.take(key)),
      [0, 0, 1000, 1000],
    );
  });

  test('without a rate there is no limit, and nothing is remembered', () => {
    const buckets = new TokenBuckets({ rate: 0, size: 0, now: () => 0 });
    for (let n = 0; n < 1000; n++) assert.equal(buckets.take(String(n % 7)), 0);
    assert.equal(buckets.count, 0);
  });

  test('there are never more than so many: who was not there the longest makes room', () => {
    const { now, pass } = clock();
    const buckets = new TokenBuckets({ rate: 1 / 1000, size: 1, now, most: 3 });
    for (const key of ['a', 'b', 'c']) buckets.take(key);
    assert.ok(buckets.take('a') > 0);
    buckets.take('d'); // instead of b
    assert.equal(buckets.count, 3);
    assert.ok(buckets.take('a') > 0 && buckets.take('c') > 0);
    assert.equal(buckets.take('b'), 0, 'a full one');
    for (let n = 0; n < 100_000; n++) {
      buckets.take(`flood ${n}`);
      pass(0.01);
    }
    assert.equal(buckets.count, 3);
  });

  test('ten thousand are the most unless told', () => {
    const { now } = clock();
    const buckets = new TokenBuckets({ rate: 1, size: 1, now });
    for (let n = 0; n < 20_000; n++) buckets.take(String(n));
    assert.equal(buckets.count, 10_000);
  });
});

describe('the limits of a node', () => {
  const rates = { userRequestsPerSecond: 2, sourceRequestsPerSecond: 3, registrationsPerMinute: 4 };
  const from = (name: string, isShared = false) => ({ name, isShared });
  const granted = (asked: () => object | undefined) => {
    let count = 0;
    while (asked() === undefined && count < 1000) count++;
    return count;
  };

  test('let ten seconds’ worth of requests through at once, of a user and from a source', () => {
    const { now, pass } = clock();
    const limiter = new RateLimiter(rates, now);
    const ofUser = () => limiter.ofUser(userId('alice'));
    const ofSource = () => limiter.ofSource('add_appointment', from('192.0.2.1'));
    assert.deepEqual([granted(ofUser), granted(ofSource)], [20, 30]);
    assert.deepEqual(ofUser(), { kind: 'rate-limited', retryMs: 500 });
    pass(1000);
    assert.deepEqual([granted(ofUser), granted(ofSource)], [2, 3]);
    assert.equal(limiter.ofUser(userId('bob')), undefined);
    assert.equal(limiter.ofSource('register', from('192.0.2.2')), undefined);
  });

  test('count a source’s registrations by the minute, beside its requests', () => {
    const { now, pass } = clock();
    const limiter = new RateLimiter(rates, now);
    const register = () => limiter.ofSource('register', from('192.0.2.1'));
    assert.equal(granted(register), 4);
    assert.deepEqual(register(), { kind: 'rate-limited', retryMs: 15_000 });
    assert.equal(limiter.ofSource('get_appointment', from('192.0.2.1')), undefined);
    pass(15_000);
    assert.equal(granted(register), 1);
  });

  test('count of a source that many share the registrations alone', () => {
    const limiter = new RateLimiter(rates, clock().now);
    const here = from('this machine', true);
    assert.equal(
      granted(() => limiter.ofSource('add_appointment', here)),
      1000,
    );
    assert.equal(
      granted(() => limiter.ofSource('register', here)),
      4,
    );
  });

  test('do not count what comes from nowhere that is known', () => {
    const limiter = new RateLimiter(rates, clock().now);
    assert.equal(
      granted(() => limiter.ofSource('register', undefined)),
      1000,
    );
  });
});
