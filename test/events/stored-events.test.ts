import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ZodError } from 'zod';
import { eventDefinitions, readEvent, type StoredEvent, storeEvent } from '../../events/codec.js';
import { decodeCommit, encodeCommit } from '../../events/commit.js';
import { storedCommits, storedEvents } from '../fixtures/stored-events.js';

describe('what is on the log', () => {
  for (const [type, { version: newest }] of Object.entries(eventDefinitions)) {
    const versions = storedEvents[type] ?? [];

    test(`${type}: there are the bytes of every version`, () => {
      const numbered = versions.map((text) => JSON.parse(text)).map(({ type, v }) => `${type} ${v}`);
      assert.deepEqual(
        Array.from(new Set(numbered)),
        Array.from({ length: newest }, (_, n) => `${type} ${n + 1}`),
      );
    });

    for (const [n, text] of versions.entries())
      test(`${type}: version ${JSON.parse(text).v} can be read, example ${n + 1}`, () => {
        const event = readEvent(JSON.parse(text) as StoredEvent) as { type: string };
        assert.equal(event.type, type);
        assert.ok(!('v' in event), 'in memory an event has no version');
      });

    test(`${type}: the newest version is stored again as the same bytes`, () => {
      const ofNewest = versions.filter((text) => JSON.parse(text).v === newest);
      assert.ok(ofNewest.length > 0);
      for (const text of ofNewest) {
        const { v: _, ...event } = JSON.parse(text) as StoredEvent;
        assert.deepEqual(readEvent(JSON.parse(text)), event);
        assert.equal(JSON.stringify(storeEvent(event)), text);
      }
    });
  }

  test('what a version before could say already is stored as that, for the nodes that know no newer one', () => {
    for (const versions of [storedEvents.AppointmentEnded, storedEvents.UserRegistered]) {
      const [first = ''] = versions ?? [];
      assert.equal(JSON.stringify(storeEvent(readEvent(JSON.parse(first)) as { type: string })), first);
    }
  });

  test('what only a newer version can say is damage in an older one', () => {
    const deletion = JSON.parse(storedEvents.AppointmentEnded?.[1] ?? '');
    const { deletion: _, ...bare } = deletion;
    const admitted = JSON.parse(storedEvents.UserRegistered?.[1] ?? '');
    const served = JSON.parse(storedEvents.UserRegistered?.[2] ?? '');
    const wrongs = [{ ...deletion, v: 1 }, { ...bare, v: 1 }, bare, { ...deletion, reason: 'resolved' }];
    const brought = JSON.parse(storedEvents.UserRegistered?.at(-1) ?? '');
    for (const wrong of [...wrongs, { ...admitted, v: 1 }, { ...served, v: 1 }, { ...brought, v: 2 }])
      assert.throws(() => readEvent(wrong), ZodError, JSON.stringify(wrong));
  });

  test('no example is left over: a type, once stored, is known for ever', () => {
    assert.deepEqual(Object.keys(storedEvents).sort(), Object.keys(eventDefinitions).sort());
  });

  for (const [kind, text] of Object.entries(storedCommits))
    test(`a commit of ${kind} can be read, and is stored again as the same bytes`, () => {
      const commit = decodeCommit(Buffer.from(text));
      assert.equal(commit.aggregate.kind, kind);
      assert.equal(Buffer.from(encodeCommit(commit)).toString(), text);
    });
});

/** Names that are on the log keep their meaning; more may join. */
describe('every name that was ever stored in an event is still taken', () => {
  const NAMES: [type: string, field: string, names: string[]][] = [
    ['UserRegistered', 'dialect', ['python', 'rust']],
    ['SubscriptionRenewed', 'dialect', ['python', 'rust']],
    ['AppointmentAccepted', 'scheme', ['teos-display', 'teos-internal']],
    ['AppointmentEnded', 'reason', ['resolved', 'expired', 'rejected']],
    ['TowerImported', 'from', ['teos-sqlite', 'teos-leveldb']],
    ['BreachDetected', 'foundBy', ['watcher', 'locator-cache']],
    ['BlobRefused', 'reason', ['does-not-decrypt', 'not-a-transaction', 'appointment-ended']],
    ['PenaltyRefused', 'verdict', ['inputs-missing-or-spent', 'policy', 'invalid', 'unknown']],
  ];
  for (const [type, field, names] of NAMES)
    test(`${field} of ${type}`, () => {
      const stored = JSON.parse(storedEvents[type]?.[0] ?? '');
      assert.ok(field in stored);
      for (const name of names) assert.equal(readField(readEvent({ ...stored, [field]: name }), field), name);
    });

  test('admittedBy of UserRegistered', () => {
    const stored = JSON.parse(storedEvents.UserRegistered?.[1] ?? '');
    for (const admittedBy of [stored.admittedBy, 'allow-list'])
      assert.deepEqual(readField(readEvent({ ...stored, admittedBy }), 'admittedBy'), admittedBy);
  });

  test('importedFrom of UserRegistered', () => {
    const stored = JSON.parse(storedEvents.UserRegistered?.at(-1) ?? '');
    for (const importedFrom of ['teos-sqlite', 'teos-leveldb'])
      assert.equal(readField(readEvent({ ...stored, importedFrom }), 'importedFrom'), importedFrom);
  });

  const readField = (event: unknown, field: string) => (event as Record<string, unknown>)[field];
});
