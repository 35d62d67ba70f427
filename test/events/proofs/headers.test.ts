import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, toHex } from '../../../events/bytes.js';
import { parseHeader, workOf, wrongWithHeaders } from '../../../events/proofs/headers.js';

/** The first two blocks of mainnet. */
const GENESIS =
  '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c';
const FIRST =
  '010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299';

/** The same header with other bytes from an offset on. */
const changed = (hex: string, at: number, bytes: string) =>
  `${hex.slice(0, 2 * at)}${bytes}${hex.slice(2 * at + bytes.length)}`;

describe('a row of headers', () => {
  test('is read as it is on the wire', () => {
    const { hash, prevHash, merkleRoot, target } = parseHeader(fromHex(FIRST));
    assert.equal(hash, '00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048');
    assert.equal(prevHash, parseHeader(fromHex(GENESIS)).hash);
    assert.equal(toHex(merkleRoot), '982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e');
    assert.equal(target, 0xffffn << 208n);
    assert.throws(() => parseHeader(fromHex(FIRST).subarray(1)), RangeError);
  });

  test('of the chain has nothing wrong with it, and its work', () => {
    assert.equal(wrongWithHeaders([GENESIS, FIRST], 'mainnet'), undefined);
    assert.equal(workOf([GENESIS]), 32);
    assert.equal(workOf([GENESIS, FIRST]), 33);
  });

  test('that does not follow, or has not the work, is told by its number', () => {
    assert.match(wrongWithHeaders([FIRST, GENESIS], 'mainnet') ?? '', /^header 1 does not follow/);
    assert.match(wrongWithHeaders([changed(GENESIS, 76, '00')], 'mainnet') ?? '', /^header 0 has no proof of work/);
    for (const bits of ['ffff7f20', 'ffff001e', 'ffff801d', '0000001d'])
      assert.match(wrongWithHeaders([changed(GENESIS, 72, bits)], 'mainnet') ?? '', /^header 0 asks for less/, bits);
    assert.match(wrongWithHeaders([changed(GENESIS, 72, 'ffff7f20')], 'signet') ?? '', /less work than signet/);
  });
});
