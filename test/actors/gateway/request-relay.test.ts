import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import pino from 'pino';
import type { Answer } from '../../../actors/gateway/answers.js';
import type { Gateway, Request } from '../../../actors/gateway/gateway.js';
import { RequestRelay } from '../../../actors/gateway/request-relay.js';
import { ShardRelay } from '../../../actors/runtime/shard-relay.js';
import { Shard } from '../../../events/ids.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { startTestNats } from '../../support/nats.js';
import type { Cleanup } from '../../support/temp-dir.js';
import { add, asPython, asRust, gateway, get, info, no } from './granting-gateway.js';

const shard = Shard.parse(3);
const { python } = exchange;

/** A Gateway that serves nobody, and one that does: on the same server. */
async function twoNodes(t: Cleanup, patienceMs = 20_000) {
  const nats = await startTestNats(t);
  const log = pino({ level: 'silent' });
  const [near, far] = [await nats.connect('node'), await nats.connect('node')];
  const relay = new RequestRelay(new ShardRelay(near, log), patienceMs);
  const passed: Request[] = [];
  const door = gateway(
    {},
    {
      gatekeeper: () => undefined,
      dialectOf: () => undefined,
      passOn: (_, request) => {
        passed.push(request);
        return relay.pass(shard, request);
      },
    },
  );
  return {
    passed,
    door: door.to,
    /** Has the other node serve the shard. */
    serve: async (other: Pick<Gateway, 'serve'>) => {
      const end = new RequestRelay(new ShardRelay(far, log)).serve(shard, other);
      await far.flush();
      return end;
    },
  };
}

const bytes = ({ status, body, reason }: Answer) => [status, reason, JSON.stringify(body)];

describe('a request for a shard that a node does not serve', () => {
  test('is answered by one that does: the same status, reason and bytes, in the dialect that one knows', async (t) => {
    const { door, serve } = await twoNodes(t);
    const other = gateway();
    await serve(other.to);
    for (const [operation, body] of [
      ['add_appointment', add(python)],
      ['get_appointment', get()],
      ['get_subscription_info', info],
    ] as const) {
      const [passedOn, direct] = [
        await door.serve(operation, body, asPython),
        await other.to.serve(operation, body, asPython),
      ];
      assert.deepEqual(bytes(passedOn), bytes(direct));
      assert.equal(passedOn.relayed, true);
      assert.equal(direct.relayed, undefined);
    }
  });

  test('and a refusal is in the words of the generation that the user is of, not of the guess', async (t) => {
    const { door, serve } = await twoNodes(t);
    // The vectors' user is known to the other node as rust.
    await serve(gateway({ subscription: async () => ({ kind: 'authentication-failed' }) }).to);
    assert.equal(no(await door.serve('get_subscription_info', info, asPython)), '401/7 authentication-failed');
  });

  test('keeps what the door is certain of', async (t) => {
    const { door, serve } = await twoNodes(t);
    const callers: unknown[] = [];
    await serve({
      serve: async (_operation, _body, caller) => {
        callers.push(caller);
        return { status: 200, body: {} };
      },
    });
    await door.serve('get_subscription_info', info, asRust);
    await door.serve('get_subscription_info', info, { dialect: 'python', certain: true });
    assert.deepEqual(callers, [
      { dialect: 'rust', certain: false, relayed: true },
      { dialect: 'python', certain: true, relayed: true },
    ]);
  });

  test('is refused when no node serves it: come again, and why, in both dialects', async (t) => {
    const { door } = await twoNodes(t);
    assert.equal(no(await door.serve('add_appointment', add(python), asRust)), '503/7 shard-not-served');
    assert.equal(no(await door.serve('get_subscription_info', info, asRust)), '503/32 shard-not-served');
    // Who it is knows only the node that serves the shard: hence in words that lose neither its appointment.
    assert.equal(no(await door.serve('add_appointment', add(python), asPython)), '503/7 shard-not-served');
    const isPython = { dialect: 'python', certain: true } as const;
    assert.equal(no(await door.serve('add_appointment', add(python), isPython)), '503/- shard-not-served');
  });

  test('is refused as unavailable when the answer is lost, which says nothing of this node', async (t) => {
    const { door, serve } = await twoNodes(t, 50);
    await serve({ serve: () => new Promise(() => {}) });
    const answer = await door.serve('add_appointment', add(python), asRust);
    assert.deepEqual([no(answer), answer.relayed], ['503/7 unavailable', true]);
  });

  test('is not passed on again by a node that does not serve it either', async (t) => {
    const { door, serve, passed } = await twoNodes(t);
    await serve(door);
    assert.equal(no(await door.serve('add_appointment', add(python), asRust)), '503/7 unavailable');
    assert.equal(passed.length, 1);
  });

  test('gets a reason that only a newer node knows', async (t) => {
    const { door, serve } = await twoNodes(t);
    const reason = 'too-many-requests' as NonNullable<Answer['reason']>;
    const newer: Answer = { status: 429, body: { error: 'slower' }, reason };
    await serve({ serve: async () => newer });
    assert.deepEqual(bytes(await door.serve('get_subscription_info', info, asRust)), bytes(newer));
  });

  test('is refused here when it cannot be read, or nobody can have signed it', async (t) => {
    const { door, passed } = await twoNodes(t);
    assert.equal(no(await door.serve('add_appointment', Buffer.from('{'), asRust)), '400/6 malformed-request');
    const unsigned = Buffer.from(JSON.stringify({ signature: 'y'.repeat(104) }));
    assert.equal(no(await door.serve('get_subscription_info', unsigned, asRust)), '401/7 authentication-failed');
    assert.equal(passed.length, 0);
  });
});
