import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  follows,
  heard,
  type LastHeard,
  readSequence,
  type SequenceMessage,
} from '../../../actors/mempool-watch/sequence.js';
import { reversed } from '../../../events/bytes.js';

const hash = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const u32 = (n: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n);
  return bytes;
};
const u64 = (n: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(n);
  return bytes;
};
const body = (letter: string, sequence?: bigint) =>
  Buffer.concat([hash, Buffer.from(letter), ...(sequence === undefined ? [] : [u64(sequence)])]);
const read = (body: Buffer, counter = 7) => readSequence([Buffer.from('sequence'), body, u32(counter)]);

describe('a message of the sequence topic', () => {
  test('tells of a transaction that came or left, by its id in internal order', () => {
    const txidInternal = reversed(hash);
    assert.deepEqual(read(body('A', 258n)), { event: { kind: 'added', txidInternal, sequence: 258 }, counter: 7 });
    assert.deepEqual(read(body('R', 3n)), { event: { kind: 'removed', txidInternal, sequence: 3 }, counter: 7 });
  });

  test('tells of a block, of which only the counter matters', () => {
    for (const letter of ['C', 'D']) assert.deepEqual(read(body(letter), 9), { event: { kind: 'block' }, counter: 9 });
  });

  test('is nothing if it is of another topic, cut short, or of a kind to come', () => {
    assert.equal(readSequence([Buffer.from('hashblock'), body('C'), u32(1)]), undefined);
    assert.equal(readSequence([Buffer.from('sequence')]), undefined);
    assert.equal(readSequence([Buffer.from('sequence'), body('C')]), undefined);
    for (const damaged of [hash, body('A'), body('A', 1n).subarray(0, 40), body('X', 1n), Buffer.alloc(0)])
      assert.equal(read(damaged), undefined);
  });
});

describe('a message follows what was heard last', () => {
  const added = (counter: number, sequence: number): SequenceMessage => ({
    event: { kind: 'added', txidInternal: hash, sequence },
    counter,
  });
  const blockAt = (counter: number): SequenceMessage => ({ event: { kind: 'block' }, counter });
  const after = (...messages: SequenceMessage[]) =>
    messages.reduce<LastHeard | undefined>((last, message) => heard(message, last), undefined);

  test('if its counter is the next, up to its end and round', () => {
    assert.ok(follows(added(8, 101), after(added(7, 100))));
    assert.ok(follows(blockAt(8), after(added(7, 100))));
    assert.ok(follows(added(0, 101), after(added(2 ** 32 - 1, 100))));
  });

  test('and the mempool moved on, by one or, with a block, by more', () => {
    assert.ok(follows(added(9, 150), after(added(7, 100), blockAt(8))));
    assert.ok(follows(added(1, 0), after(blockAt(0))), 'the very first change has any number');
  });

  test('not if messages are missing, or it is the first', () => {
    assert.ok(!follows(added(9, 101), after(added(7, 100))));
    assert.ok(!follows(blockAt(9), after(added(7, 100))));
    assert.ok(!follows(added(7, 100), undefined));
  });

  test('not if bitcoind began to count anew, even where the counter happens to fit', () => {
    assert.ok(!follows(added(0, 1), after(added(7, 100))));
    assert.ok(!follows(added(8, 3), after(added(7, 100))));
    assert.ok(!follows(added(9, 3), after(added(7, 100), blockAt(8))));
  });
});
