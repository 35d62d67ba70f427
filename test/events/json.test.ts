import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../../events/bytes.js';
import { isShallow, parseJson, parseJsonText } from '../../events/json.js';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('JSON from outside', () => {
  test('is what JSON.parse gives, of anything that is no deeper than it may be', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (json) => {
        const text = JSON.stringify(json);
        assert.deepEqual(parseJsonText(text), JSON.parse(text));
      }),
    );
  });

  test('is counted in depth, and not by the brackets in texts', () => {
    assert.ok(isShallow(utf8(nested(5)), 5) && !isShallow(utf8(nested(6)), 5));
    assert.ok(!isShallow(utf8('{"a":{"b":{}}}'), 2));
    assert.ok(isShallow(utf8(`${'[],'.repeat(100)}[]`), 1));
    for (const text of ['"[[[["', '"\\"[[[["', '"\\\\\\"[[[["', '{"[[[[":"{{{{"}'])
      assert.ok(isShallow(utf8(text), 1), text);
    for (const text of ['"\\\\"[[[[', '"" [[[[', '"a\\\\\\\\"[[[[']) assert.ok(!isShallow(utf8(text), 1), text);
    assert.ok(isShallow(utf8('"[[['), 0));
  });

  test('is refused as what it is, however long', () => {
    assert.throws(() => parseJsonText(nested(33)), /^SyntaxError: JSON that is nested deeper than 32$/);
    assert.throws(() => parseJsonText('['.repeat(10_000_000)), SyntaxError);
    assert.throws(() => parseJsonText('{"a":"'.repeat(2_000_000)), SyntaxError);
    assert.throws(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22)), /^SyntaxError: JSON that is not UTF-8$/);
    assert.throws(() => parseJsonText(''), SyntaxError);
    assert.deepEqual(parseJsonText(nested(32)), JSON.parse(nested(32)));
  });
});
