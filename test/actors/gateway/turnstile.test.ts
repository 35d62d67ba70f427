import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Caller } from '../../../actors/gateway/gateway.js';
import { Turnstile } from '../../../actors/gateway/turnstile.js';
import { Precedence } from '../../../actors/runtime/precedence.js';

const caller: Caller = { dialect: 'rust', certain: false };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const bytes = (n: number) => Uint8Array.of(n);

/** A turnstile, and the first bytes of the requests that went through it, in order. */
function turnstileBefore(precedence: Precedence) {
  const begun: number[] = [];
  const gateway = {
    serve: async (_operation: string, body: Uint8Array) => {
      begun.push(body[0] ?? -1);
      return { status: 200, body: {} };
    },
  };
  const turnstile = new Turnstile(gateway, precedence);
  return { begun, pass: (n: number, came?: number) => turnstile.serve('register', bytes(n), caller, came) };
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('the turnstile', () => {
  test('begins no request while something has the right of way, and all in their order after that', async () => {
    const precedence = new Precedence();
    const { begun, pass } = turnstileBefore(precedence);
    let release = () => {};
    const held = precedence.during(new Promise<void>((resolve) => (release = resolve)));
    const answers = numbers(20).map((n) => pass(n));
    for (let i = 0; i < 10; i++) await turn();
    assert.deepEqual(begun, []);
    release();
    await held;
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
    assert.deepEqual(begun, numbers(20));
  });

  test('begins a few in each round of the event loop, so that a block is heard of in between', async () => {
    const { begun, pass } = turnstileBefore(new Precedence());
    const answers = numbers(20).map((n) => pass(n));
    await Promise.resolve();
    const first = begun.length;
    assert.ok(first > 0 && first < 10, String(first));
    await Promise.all(answers);
    assert.deepEqual(begun, numbers(20));
  });

  test('lets a request through at once that comes alone', () => {
    const { begun, pass } = turnstileBefore(new Precedence());
    void pass(7);
    assert.deepEqual(begun, [7]);
  });

  test('does not begin a request whose client may have given up', async () => {
    const { begun, pass } = turnstileBefore(new Precedence());
    const { status, reason } = await pass(1, performance.now() - 60_000);
    assert.deepEqual([status, reason, begun], [503, 'unavailable', []]);
  });
});
