import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ZodError, z } from 'zod';
import {
  type EventDefinition,
  eventDefinitions,
  readEvent,
  storeEvent,
  UnknownEventError,
} from '../../events/codec.js';
import { block } from '../fixtures/blocks.js';
import { breached, outdated } from '../fixtures/histories.js';

describe('an event', () => {
  test('is stored with its type and version first, and is the same when read', () => {
    const stored = storeEvent(outdated(2006));
    assert.equal(JSON.stringify(stored), '{"type":"SubscriptionOutdated","v":1,"height":2006}');
    assert.deepEqual(readEvent(JSON.parse(JSON.stringify(stored))), outdated(2006));
  });

  test('that is not of its own shape is a bug, caught before it is stored', () => {
    assert.throws(() => storeEvent({ ...outdated(2006), height: -1 } as never), ZodError);
    assert.throws(() => storeEvent({ type: 'SubscriptionOutdated' }), ZodError);
    assert.throws(() => storeEvent({ ...outdated(2006), more: 1 } as never), ZodError, 'strict: no field beyond');
    assert.throws(() => storeEvent({ ...breached(), disputeTxid: 'AB'.repeat(32) } as never), ZodError, 'lower case');
  });

  test('without a definition cannot be stored', () => {
    assert.throws(() => storeEvent({ type: 'MoonLanded' }), TypeError);
    assert.throws(() => storeEvent({ type: 'constructor' }), TypeError);
  });

  test('of an unknown type, or a newer version, is a newer node’s', () => {
    for (const stored of [
      { type: 'MoonLanded', v: 1 },
      { type: 'SubscriptionOutdated', v: 2, height: 2006 },
      { type: 'SubscriptionOutdated', v: 0, height: 2006 },
      { type: 'constructor', v: 1 },
      { type: '__proto__', v: 1 },
    ])
      assert.throws(
        () => readEvent(stored),
        (error) => {
          assert.ok(error instanceof UnknownEventError, String(error));
          assert.equal(error.code, 'unknown-event');
          assert.match(error.message, new RegExp(`${stored.type} version ${stored.v}.*upgrade`));
          return true;
        },
      );
  });

  test('that is damaged is not read', () => {
    assert.throws(() => readEvent({ type: 'SubscriptionOutdated', v: 1 }), ZodError);
    assert.throws(() => readEvent({ type: 'SubscriptionOutdated', v: 1, height: 1, more: 2 } as never), ZodError);
  });

  test('belongs to one kind of aggregate', () => {
    const typesOf = (kind: string) =>
      Object.entries(eventDefinitions).flatMap(([type, { of }]) => (of === kind ? [type] : []));
    assert.deepEqual(typesOf('chain'), ['BlockConnected', 'BlockDisconnected', 'IdentityRotated', 'TowerImported']);
    assert.deepEqual(typesOf('scan'), ['BlockScanned', 'BlockUnread']);
    assert.equal(typesOf('user').length, 6);
    assert.equal(typesOf('tracker').length, 12);
  });

  test('is defined under its own name, with a way up from every older version', () => {
    for (const [type, { schema, version, upcast = {} }] of Object.entries(eventDefinitions)) {
      assert.ok(schema instanceof z.ZodObject);
      assert.ok(schema.shape.type.safeParse(type).success, type);
      const older = Array.from({ length: version - 1 }, (_, n) => String(n + 1));
      assert.deepEqual(Object.keys(upcast), older);
    }
  });
});

/** How a shape changes: a made-up event that had `at` first, then `height`, and now a whole block. */
describe('an upcaster', () => {
  const TideTurned: EventDefinition = {
    of: 'scan',
    schema: z.strictObject({
      type: z.literal('TideTurned'),
      block: z.strictObject({ height: z.number(), hash: z.string() }),
    }),
    version: 3,
    upcast: {
      1: ({ at, ...rest }) => ({ ...rest, height: at }),
      2: ({ height, ...rest }) => ({ ...rest, block: { height, hash: block(Number(height)).hash } }),
    },
  };
  const definitions = { TideTurned };
  const read = (stored: object) => readEvent({ type: 'TideTurned', ...stored } as never, definitions);
  const newest = { type: 'TideTurned', block: block(1000) };

  test('brings every older version to the newest, one version after another', () => {
    assert.deepEqual(read({ v: 1, at: 1000 }), newest);
    assert.deepEqual(read({ v: 2, height: 1000 }), newest);
    assert.deepEqual(read({ v: 3, block: block(1000) }), newest);
  });

  test('is for reading alone: what is stored has the newest shape', () => {
    assert.deepEqual(storeEvent(newest, definitions), { type: 'TideTurned', v: 3, block: block(1000) });
    assert.throws(() => storeEvent({ type: 'TideTurned', at: 1000 } as never, definitions), ZodError);
  });

  test('does not make an older version pass as a newer one', () => {
    assert.throws(() => read({ v: 2, at: 1000 }), ZodError);
    assert.throws(() => read({ v: 3, height: 1000 }), ZodError);
    assert.throws(() => read({ v: 4, block: block(1000) }), UnknownEventError);
  });

  test('that is missing makes that version unknown, rather than guessed', () => {
    const { 1: _, ...upcast } = TideTurned.upcast ?? {};
    const gap = { TideTurned: { ...TideTurned, upcast } };
    assert.throws(() => readEvent({ type: 'TideTurned', v: 1, at: 1000 } as never, gap), UnknownEventError);
    assert.deepEqual(readEvent({ type: 'TideTurned', v: 2, height: 1000 } as never, gap), newest);
  });
});
