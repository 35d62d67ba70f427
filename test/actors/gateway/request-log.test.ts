import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import type { Answer } from '../../../actors/gateway/answers.js';
import { newRequestId, RequestLog } from '../../../actors/gateway/request-log.js';
import { unmeasured } from '../../../actors/meter.js';
import { logLimits } from '../../../actors/runtime/log-limits.js';

const granted: Answer = { status: 200, body: {} };
const refused: Answer = { status: 503, body: {}, reason: 'rate-limited' };

/** A log of requests, what it has written, and what it has told who measures. */
function requestLog(level: string) {
  const lines: Record<string, unknown>[] = [];
  const ended: string[] = [];
  const log = pino({ level, ...logLimits() }, { write: (line) => void lines.push(JSON.parse(line)) });
  const requestEnded = (...told: [string, string, number]) => void ended.push(told.slice(0, 2).join(' '));
  return { lines, ended, requests: new RequestLog(log, { ...unmeasured, requestEnded }) };
}

test('a decision is a line, what was only read is none unless all is wanted', async () => {
  for (const [level, expected] of [
    ['info', ['add_appointment: granted', 'get_appointment: rate-limited']],
    ['debug', ['answered', 'answered', 'answered']],
    ['warn', []],
  ] as const) {
    const { lines, requests } = requestLog(level);
    await requests.of({ operation: 'add_appointment', request: 'a-1', user: '02' }, async () => granted);
    await requests.of({ operation: 'get_appointment', request: 'a-2' }, async () => granted);
    await requests.of({ operation: 'get_appointment', request: 'a-3' }, async () => refused);
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      expected,
    );
    const [first] = lines;
    if (first) assert.deepEqual([first.request, first.user, first.status], ['a-1', '02', 200]);
  }
});

test('a flood of refusals does not flood the log, and all of it is counted', async () => {
  const { lines, ended, requests } = requestLog('info');
  for (let n = 0; n < 1_000; n++)
    await requests.of({ operation: 'register', request: newRequestId() }, async () => refused);
  assert.deepEqual([lines.length, ended.length], [30, 1_000]);
  assert.deepEqual(new Set(ended), new Set(['register rate-limited']));
  assert.equal(new Set(lines.map(({ request }) => request)).size, 30);
});

test('a request that breaks is counted, and is not under way any more', async () => {
  const { ended, requests } = requestLog('info');
  await assert.rejects(
    requests.of({ operation: 'register', request: undefined }, () => Promise.reject(new Error('no'))),
  );
  assert.deepEqual(ended, ['register failed']);
});
