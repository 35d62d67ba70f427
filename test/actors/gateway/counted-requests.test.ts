import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RateLimited } from '../../../actors/gateway/rate-limiter.js';
import { recoverSigner } from '../../../events/signing/message.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { add, asPython, asRust, gateway, get, info, no } from './granting-gateway.js';

const { python, rust } = exchange;
const tooMany: RateLimited = { kind: 'rate-limited', retryMs: 1_500 };
const source = { name: '192.0.2.1', isShared: false };

describe('the Gateway counts', () => {
  test('a request of a source before anything is made of it', async () => {
    const seen: unknown[] = [];
    const { to, asked } = gateway(
      {},
      {
        recover: async (...signed) => {
          seen.push('recovered');
          return recoverSigner(...signed);
        },
        limiter: {
          ofSource: (...of) => {
            seen.push(of);
            return tooMany;
          },
          ofUser: () => undefined,
        },
      },
    );
    const answer = await to.serve('add_appointment', Buffer.from('{'), { ...asRust, source });
    assert.deepEqual([no(answer), answer.retryMs], ['503/7 rate-limited', 1_500]);
    assert.deepEqual([seen, asked], [[['add_appointment', source]], []]);
  });

  test('so that a rust client which is taken for a python one keeps its appointment, as a python one does', async () => {
    const { to } = gateway({}, { limiter: { ofSource: () => tooMany, ofUser: () => undefined } });
    assert.equal(no(await to.serve('add_appointment', add(rust), asPython)), '503/7 rate-limited');
    assert.equal(no(await to.serve('get_appointment', get(), asPython)), '503/- rate-limited');
    const certain = { dialect: 'python', certain: true } as const;
    assert.equal(no(await to.serve('add_appointment', add(python), certain)), '503/- rate-limited');
  });

  test('a request of a user once the signature tells who that is, and answers in its dialect', async () => {
    const { to, asked, dialects } = gateway({}, { limiter: { ofSource: () => undefined, ofUser: () => tooMany } });
    for (const [dialect, code] of [
      ['rust', 7],
      ['python', '-'],
    ] as const) {
      for (const user of dialects.keys()) dialects.set(user, dialect);
      const answer = await to.serve('add_appointment', add(rust), asRust);
      assert.deepEqual([no(answer), answer.retryMs], [`503/${code} rate-limited`, 1_500]);
    }
    assert.deepEqual(asked, []);
  });

  test('nobody whose signature is none, and nothing that another node has counted', async () => {
    const { to } = gateway({}, { limiter: { ofSource: () => undefined, ofUser: () => tooMany } });
    const junk = Buffer.from(JSON.stringify({ signature: 'junk' }));
    assert.equal(no(await to.serve('get_subscription_info', junk, asRust)), '401/7 authentication-failed');
    const relayed = gateway({}, { limiter: { ofSource: () => tooMany, ofUser: () => tooMany } });
    const { status } = await relayed.to.serve('get_subscription_info', info, { ...asRust, source, relayed: true });
    assert.equal(status, 200);
  });
});
