import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SchemeName } from '../../../events/schemes/scheme.js';
import { schemeOf, schemes } from '../../../events/schemes/schemes.js';
import { Dialect } from '../../../events/signing/receipts.js';

describe('schemes', () => {
  test('are found by their own names, all of them', () => {
    assert.deepEqual(Object.keys(schemes).sort(), [...SchemeName.options].sort());
    for (const name of SchemeName.options) assert.equal(schemes[name].name, name);
  });

  test('each dialect has its own', () => {
    assert.equal(schemeOf('python'), schemes['teos-display']);
    assert.equal(schemeOf('rust'), schemes['teos-internal']);
    for (const dialect of Dialect.options) assert.ok(schemeOf(dialect));
  });
});
