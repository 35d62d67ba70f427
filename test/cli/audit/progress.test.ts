import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Progress } from '../../../cli/audit/progress.js';

test('progress says what share is done, how fast, and how long it will take', () => {
  const written: string[] = [];
  const began = performance.now();
  let now = began;
  const terminal = { isTTY: true, write: (text: string) => written.push(text) > 0 };
  const progress = new Progress('messages', terminal, () => now);
  progress.expect(3_000_000);
  now += 15_000;
  progress.add(1_234_567);
  progress.add(1);
  assert.equal(written.length, 1, 'not more often than people read');
  assert.match(written[0] ?? '', /^\r41% {2}1,234,567 of 3,000,000 messages {2}82,3\d\d\/s {2}21 s left/);
  now += 100_000;
  assert.match(progress.text(), / {2}2 min 4\d s left$/);
  now += 10_000_000;
  assert.match(progress.text(), / {2}4 h \d\d min left$/);
  progress.end();
  assert.equal(written.at(-1), '\r\u001b[K');
});

test('progress is not for programs', () => {
  const pipe = { isTTY: false, write: () => assert.fail('nothing is written') };
  const progress = new Progress('messages', pipe);
  progress.expect(2);
  progress.add(2);
  progress.end();
});
