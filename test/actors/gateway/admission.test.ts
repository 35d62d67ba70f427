import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Admission, sourceOf } from '../../../actors/gateway/admission.js';

describe('whom a connection is of', () => {
  test('is told by its address: all of one of four bytes, half of one of sixteen', () => {
    assert.equal(sourceOf('192.0.2.7'), '192.0.2.7');
    assert.equal(sourceOf('::ffff:192.0.2.7'), '192.0.2.7');
    assert.equal(sourceOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2');
    assert.equal(sourceOf('2001:db8:1:2::9'), '2001:db8:1:2');
    assert.equal(sourceOf('2001:db8::9'), '2001:db8:0:0');
    assert.equal(sourceOf('fe80::1:2:3:4%eth0'), 'fe80:0:0:0');
    assert.equal(sourceOf('::9'), '0:0:0:0');
    assert.equal(sourceOf('127.0.0.2'), '127.0.0.2');
  });

  test('is not told for this machine itself', () => {
    for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '::1', undefined])
      assert.equal(sourceOf(address), undefined);
  });
});

describe('an admission', () => {
  test('lets so many in from each source, and any number from this machine', (t) => {
    const admission = new Admission({ isAble: () => true, mostInside: 10, mostOfSource: 2 });
    t.after(() => admission.close());
    assert.deepEqual(
      ['a', 'a', 'a', 'b'].map((address) => admission.entered(address)),
      [true, true, false, true],
    );
    admission.left('a');
    assert.ok(admission.entered('a') && !admission.entered('a'));
    for (let n = 0; n < 7; n++) assert.ok(admission.entered('127.0.0.1'));
    assert.ok(admission.isCrowded && !admission.isOpen);
    for (let n = 0; n < 6; n++) admission.left('127.0.0.1');
    assert.ok(!admission.isCrowded && admission.isOpen);
  });
});
