import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, sha256, toHex, utf8 } from '../../events/bytes.js';
import { signerIs, signMessage } from '../../events/signing/message.js';
import { DamagedHeadError, decodeHead, encodeHead, headHash, headMessage, TreeHead } from '../../events/tree-head.js';
import { headSecret, headTower, storedHeads } from '../fixtures/stored-heads.js';

describe('the heads on the log', () => {
  for (const [i, text] of storedHeads.entries())
    test(`number ${i} is read, written and signed the same for ever`, () => {
      const head = decodeHead(utf8(text));
      assert.equal(Buffer.from(encodeHead(head)).toString(), text);
      assert.ok(signerIs(headMessage(head), head.signature, headTower));
      assert.equal(signMessage(headMessage(head), headSecret), head.signature);
      assert.equal(headHash(head), toHex(sha256(utf8(text))));
    });
});

const [text = ''] = storedHeads;
const head = TreeHead.parse(JSON.parse(text));

test('a signature is of every other field', () => {
  const hash = 'ab'.repeat(32);
  for (const change of [
    { shard: 4 },
    { treeSize: 10 },
    { root: hash },
    { position: 10 },
    { height: 1 },
    { blockHash: hash },
    { previous: hash },
  ])
    assert.ok(!signerIs(headMessage({ ...head, ...change } as TreeHead), head.signature, headTower));
});

test('what is signed begins like nothing else that the tower signs: a key, or the signature of a user', () => {
  const [first = assert.fail()] = headMessage(head);
  const others = [0x02, 0x03, 31, 32, 33, 34, ...Buffer.from('drDR')];
  assert.ok(!others.includes(first));
});

test('nothing else is taken for a head', () => {
  for (const bytes of [
    utf8(''),
    utf8('{}'),
    utf8(`${text}\n`),
    utf8(text.replace('"v":1', '"v":2')),
    utf8(text.replace('"position":9', '"position":8')),
    utf8(text.replace('"shard":3,"treeSize":9', '"treeSize":9,"shard":3')),
    utf8(text.replace('"previous":null', '"previous":null,"more":1')),
    fromHex('ff'),
  ])
    assert.throws(() => decodeHead(bytes), DamagedHeadError);
});
