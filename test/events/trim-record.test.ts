import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex, utf8 } from '../../events/bytes.js';
import { signerIs, signMessage } from '../../events/signing/message.js';
import {
  DamagedTrimError,
  decodePositions,
  decodeTrim,
  encodePositions,
  encodeTrim,
  positionsHash,
  Succession,
  type TrimRecord,
  trimMessage,
} from '../../events/trim-record.js';
import { headSecret, headTower } from '../fixtures/stored-heads.js';
import { storedTrims } from '../fixtures/stored-trims.js';

describe('the records of trims on the log', () => {
  for (const [i, { record, kept, positions }] of storedTrims.entries())
    test(`number ${i} is read, written and signed the same for ever`, () => {
      const trim = decodeTrim(utf8(record));
      assert.equal(Buffer.from(encodeTrim(trim)).toString(), record);
      assert.ok(signerIs(trimMessage(trim), trim.signature, headTower));
      assert.equal(signMessage(trimMessage(trim), headSecret), trim.signature);
      assert.deepEqual(Array.from(decodePositions(fromHex(kept))), positions);
      assert.equal(toHex(encodePositions(positions)), kept);
      assert.equal(positionsHash(fromHex(kept)), trim.kept.sha256);
    });
});

const [{ record: text = '' } = {}] = storedTrims;
const trim = decodeTrim(utf8(text));

test('a signature is of every other field', () => {
  const hash = 'cd'.repeat(32);
  const { head, kept } = trim;
  for (const change of [
    { shard: 4 },
    { cut: 10 },
    { root: hash },
    { head: { ...head, position: 10 } },
    { head: { ...head, sha256: hash } },
    { kept: { ...kept, count: 4 } },
    { kept: { ...kept, sha256: hash } },
    { kept: { ...kept, first: 1 } },
    { kept: { ...kept, last: 200 } },
  ])
    assert.ok(!signerIs(trimMessage({ ...trim, ...change } as TrimRecord), trim.signature, headTower));
});

test('nothing else is taken for a record, and a newer one is said to be newer', () => {
  for (const bytes of [
    '',
    '{}',
    `${text}\n`,
    text.replace('"cut":1234567', '"cut":0'),
    text.replace('"count":5,', ''),
    text.replace('"shard":3,"cut":1234567', '"cut":1234567,"shard":3'),
  ])
    assert.throws(() => decodeTrim(utf8(bytes)), DamagedTrimError, bytes);
  assert.throws(() => decodeTrim(utf8(text.replace('"v":1', '"v":2,"more":1'))), /a newer Argus .* version 2/);
});

test('positions are read as they were written, and nothing else is taken for positions', () => {
  const steps = fc.array(fc.integer({ min: 1, max: 2 ** 40 }), { minLength: 1 });
  fc.assert(
    fc.property(steps, (steps) => {
      let at = 0;
      const positions = steps.map((step) => (at += step));
      assert.deepEqual(Array.from(decodePositions(encodePositions(positions))), positions);
    }),
  );
  for (const bytes of ['00', '0100', '80', '0180', 'ffffffffffffffff7f'])
    assert.throws(() => Array.from(decodePositions(fromHex(bytes))), DamagedTrimError, bytes);
  assert.throws(() => encodePositions([2, 2]), RangeError);
});

test('after a position comes the next that is kept, and beyond the cut the next', () => {
  const all = (trim?: ConstructorParameters<typeof Succession>[0]) => {
    const succession = new Succession(trim);
    const found = [0];
    while (found.length < 6) found.push(succession.after(found.at(-1) ?? 0));
    return found;
  };
  assert.deepEqual(all(), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(all({ cut: 7, kept: encodePositions([2, 3, 7]) }), [0, 2, 3, 7, 8, 9]);
  assert.equal(new Succession({ cut: 7, kept: encodePositions([2, 7]) }).after(7), 8, 'whoever begins at the cut');
  for (const kept of [[2, 3], [9]])
    assert.throws(() => all({ cut: 7, kept: encodePositions(kept) }), /what is kept does not end with 7/);
});
