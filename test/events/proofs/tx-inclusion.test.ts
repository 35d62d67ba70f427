import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Transaction } from 'bitcoinjs-lib';
import fc from 'fast-check';
import { concat, fromHex, reversed, sha256, toHex } from '../../../events/bytes.js';
import { heightOfCoinbase, readInclusion, readTransaction } from '../../../events/proofs/tx-inclusion.js';
import { txid } from '../../fixtures/ids.js';

const double = (...parts: Uint8Array[]) => sha256(sha256(concat(...parts)));
const internal = (n: number) => reversed(fromHex(txid(`${n}`)));

/** The levels of the Merkle tree over so many transactions, leaves first. */
function levelsOf(count: number): Uint8Array[][] {
  const levels = [Array.from({ length: count }, (_, n) => internal(n))];
  for (let last = levels[0] ?? []; last.length > 1; levels.push(last))
    last = last.flatMap((hash, n) => (n % 2 === 0 ? [double(hash, last[n + 1] ?? hash)] : []));
  return levels;
}

/** A `merkleblock` of some transactions, made level by level; its header has nothing but the root. */
function merkleBlock(count: number, of: ReadonlySet<number>): Uint8Array {
  const levels = levelsOf(count);
  const hashes: Uint8Array[] = [];
  const flags: boolean[] = [];
  const visit = (level: number, index: number): void => {
    const hash = levels[level]?.[index];
    if (!hash) return;
    const isParent = Array.from(of).some((leaf) => leaf >> level === index);
    flags.push(isParent);
    if (level === 0 || !isParent) hashes.push(hash);
    else for (const child of [2 * index, 2 * index + 1]) visit(level - 1, child);
  };
  visit(levels.length - 1, 0);
  const bits = new Uint8Array(Math.ceil(flags.length / 8));
  for (const [n, flag] of flags.entries()) if (flag) bits[n >> 3] = (bits[n >> 3] ?? 0) | (1 << (n & 7));
  const header = concat(new Uint8Array(36), levels.at(-1)?.[0] ?? new Uint8Array(32), new Uint8Array(12));
  const number = new Uint8Array(Uint32Array.of(count).buffer);
  return concat(header, number, Uint8Array.of(hashes.length), ...hashes, Uint8Array.of(bits.length), bits);
}

const block = fc
  .integer({ min: 1, max: 40 })
  .chain((count) => fc.tuple(fc.constant(count), fc.uniqueArray(fc.nat({ max: count - 1 }), { minLength: 1 })));

describe('a proof that transactions are in a block', () => {
  test('shows which, and where, whatever the block', () => {
    fc.assert(
      fc.property(block, ([count, some]) => {
        const found = readInclusion(merkleBlock(count, new Set(some)));
        const wanted = some.toSorted((a, b) => a - b).map((n) => [n, txid(`${n}`)]);
        assert.deepEqual(Array.from(found?.txids ?? []), wanted);
      }),
    );
  });

  test('that was changed, cut or made longer shows nothing, or not that', () => {
    fc.assert(
      fc.property(block, fc.nat(), fc.nat({ max: 7 }), ([count, some], place, bit) => {
        const proof = merkleBlock(count, new Set(some));
        assert.equal(readInclusion(proof.subarray(0, place % proof.length)), undefined);
        assert.equal(readInclusion(concat(proof, Uint8Array.of(0))), undefined);
        const at = 36 + (place % (proof.length - 36));
        const isRest = at >= 68 && at < 80;
        proof[at] = (proof[at] ?? 0) ^ (1 << bit);
        const found = readInclusion(proof);
        const known = new Set<string>(some.map((n) => txid(`${n}`)));
        if (!isRest && found)
          assert.ok(Array.from(found.txids.values()).every((id) => known.has(id) || isIn(id, count)));
      }),
    );
  });

  test('shows nothing where two branches are the same: that is another block', () => {
    const [one, two] = [internal(1), internal(2)];
    const root = double(double(one, two), double(one, two));
    const header = concat(new Uint8Array(36), root, new Uint8Array(12));
    const number = Uint8Array.of(4, 0, 0, 0);
    // All four leaves, of which the last two are the first two again.
    const doubled = concat(header, number, Uint8Array.of(4), one, two, one, two, Uint8Array.of(1, 0x7f));
    assert.equal(readInclusion(doubled), undefined);
  });
});

const isIn = (id: string, count: number) => Array.from({ length: count }, (_, n) => txid(`${n}`)).some((t) => t === id);

describe('a transaction of a proof', () => {
  const coinbase = (script: string) => {
    const transaction = new Transaction();
    transaction.addInput(new Uint8Array(32), 0xffffffff, 0xffffffff, fromHex(script));
    transaction.addOutput(fromHex('51'), 1n);
    return transaction;
  };

  test('says its height if it is a coinbase', () => {
    assert.equal(heightOfCoinbase(coinbase('03a0bb0d00')), 900_000);
    assert.equal(heightOfCoinbase(coinbase('02e80300')), 1000);
    assert.equal(heightOfCoinbase(coinbase('5100')), 1);
    assert.equal(heightOfCoinbase(coinbase('6000')), 16);
    for (const none of ['00', '0200', '05ffffffffff00'])
      assert.equal(heightOfCoinbase(coinbase(none)), undefined, none);
    const other = coinbase('02e80300');
    other.addInput(internal(1), 0);
    assert.equal(heightOfCoinbase(other), undefined);
  });

  test('is never of the size of an inner node, nor spelt otherwise', () => {
    const raw = coinbase('02e80300').toHex();
    assert.equal(readTransaction(raw)?.toHex(), raw);
    assert.equal(readTransaction(`${raw}00`), undefined);
    assert.equal(readTransaction('00'), undefined);
    const node = coinbase('00'.repeat(3));
    assert.equal(node.byteLength(), 64);
    assert.equal(readTransaction(node.toHex()), undefined);
    assert.equal(toHex(reversed(node.getHash())).length, 64);
  });
});
