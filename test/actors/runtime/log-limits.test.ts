import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { logLimits } from '../../../actors/runtime/log-limits.js';

function logged(limits?: Parameters<typeof logLimits>[0], level = 'info') {
  const lines: { msg: string; [field: string]: unknown }[] = [];
  const log = pino({ level, ...logLimits(limits) }, { write: (line) => lines.push(JSON.parse(line)) });
  return { log, lines };
}

describe('what a node logs', () => {
  test('is the same so many times within a while, also by its children, and then how often it was not', async () => {
    const { log, lines } = logged({ mostLines: 3, withinMs: 50 });
    const child = log.child({ actor: 'x' });
    for (let n = 0; n < 10; n++) child.warn({ n }, 'bad');
    log.warn('worse');
    assert.deepEqual(
      lines.map(({ msg, n }) => [msg, n]),
      [
        ['bad', 0],
        ['bad', 1],
        ['bad', 2],
        ['worse', undefined],
      ],
    );
    await sleep(100);
    assert.deepEqual(
      [lines[4]?.msg, lines[4]?.held_back, lines[4]?.said, lines.length],
      ['the same was logged too often', 7, 'bad', 5],
    );
    child.warn('bad');
    assert.equal(lines.length, 6);
  });

  test('is bounded in all at info, but for the first of each kind; what warns is not held back by that', async () => {
    const { log, lines } = logged({ mostLines: 5, mostInfo: 6, withinMs: 50 });
    for (let n = 0; n < 10; n++) for (const kind of ['a', 'b', 'c']) log.info(kind);
    log.warn('bad');
    log.warn('bad');
    assert.equal(lines.length, 3 + 6 + 2);
    await sleep(100);
    const heldBack = lines.slice(11).map(({ held_back: count }) => Number(count));
    assert.equal(heldBack.length, 3);
    assert.equal(
      heldBack.reduce((sum, count) => sum + count, 0),
      30 - 9,
    );
    log.info('a');
    log.info('a');
    assert.deepEqual(
      lines.slice(14).map(({ msg }) => msg),
      ['a', 'a'],
    );
  });

  test('leaves room for what is not about a request of a client, however many of those come', () => {
    const { log, lines } = logged({ mostLines: 50, mostInfo: 10 });
    for (let n = 0; n < 20; n++) log.info({ request: `r-${n}` }, 'granted');
    for (let n = 0; n < 20; n++) log.info({ height: n }, 'block');
    const count = (msg: string) => lines.filter((line) => line.msg === msg).length;
    assert.deepEqual([count('granted'), count('block')], [1 + 6, 1 + 4]);
  });

  test('has a bound also where no two texts are the same', () => {
    const { log, lines } = logged({ mostLines: 3 });
    for (let n = 0; n < 5_000; n++) log.warn(`bad ${n}`);
    assert.equal(lines.length, 1_003);
  });

  test('is all there for who looks for a fault', () => {
    const { log, lines } = logged({ mostLines: 1 }, 'debug');
    for (let n = 0; n < 10; n++) log.debug('looking');
    assert.equal(lines.length, 10);
  });

  test('repeats no error of any length', () => {
    const { log, lines } = logged();
    const long = 'x'.repeat(1_000_000);
    log.error(
      {
        err: Object.assign(new Error(long, { cause: new Error(long) }), {
          code: 'a-code',
          answer: long,
          issues: [long],
        }),
      },
      'failed',
    );
    log.error(new Error(long));
    for (const line of lines) assert.ok(JSON.stringify(line).length < 8_000);
    assert.match(JSON.stringify(lines[0]?.err), /"code":"a-code"/);
  });
});
