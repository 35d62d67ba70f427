import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { SchemeName } from '../../../events/schemes/scheme.js';
import { schemeOf, schemes } from '../../../events/schemes/schemes.js';
import { Dialect } from '../../../events/signing/receipts.js';

describe('schemes', () => {
  test('are found by their own names, all of them', () => {
    assert.deepEqual(Object.keys(schemes).sort(), [...SchemeName.options].sort());
    for (const name of SchemeName.options) assert.equal(schemes[name].name, name);
  });

  test('copy the hint of one of many transactions as they give that of a single one', () => {
    const txids = new Uint8Array(randomBytes(3 * 32));
    for (const scheme of Object.values(schemes))
      for (const at of [0, 32, 64]) {
        const into = new Uint8Array(20);
        scheme.copyHint(txids, at, into);
        assert.deepEqual(into.subarray(0, 16), scheme.hint(txids.subarray(at, at + 32)));
        assert.deepEqual(into.subarray(16), new Uint8Array(4));
      }
  });

  test('each dialect has its own', () => {
    assert.equal(schemeOf('python'), schemes['teos-display']);
    assert.equal(schemeOf('rust'), schemes['teos-internal']);
    for (const dialect of Dialect.options) assert.ok(schemeOf(dialect));
  });
});
