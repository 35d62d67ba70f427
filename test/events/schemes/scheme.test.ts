import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SchemeName } from '../../../events/schemes/scheme.js';

describe('scheme names', () => {
  test('the stored names stay valid, and others are refused', () => {
    for (const name of ['teos-display', 'teos-internal']) assert.equal(SchemeName.parse(name), name);
    for (const name of ['', 'teos', 'TEOS-DISPLAY', 'python', null]) assert.ok(!SchemeName.safeParse(name).success);
  });
});
