import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { type TowerKey, towerKeyOf } from '../../actors/secrets.js';
import { identitiesOf, isSigned, kinOf, type Succession, successionMessage } from '../../events/identity.js';

const keyOf = (name: string): TowerKey => towerKeyOf(new Uint8Array(createHash('sha256').update(name).digest()));
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(keyOf) as [TowerKey, TowerKey, TowerKey, TowerKey];

function succession(old: TowerKey, fresh: TowerKey, by = old): Succession {
  const [from, to] = [old.towerId, fresh.towerId];
  const message = successionMessage(from, to);
  return { from, to, oldSignature: by.sign(message), newSignature: fresh.sign(message) };
}

describe('a statement that one identity succeeds another', () => {
  test('is signed by both keys, over both ids', () => {
    const good = succession(a, b);
    assert.ok(isSigned(good));
    assert.equal(successionMessage(a.towerId, b.towerId).length, 168);
    for (const bad of [
      succession(a, b, c),
      { ...good, newSignature: good.oldSignature },
      { ...good, oldSignature: good.newSignature },
      { ...good, to: c.towerId },
      { ...good, from: c.towerId },
      { ...good, from: good.to, to: good.from },
      succession(a, a),
    ])
      assert.ok(!isSigned(bad));
  });
});

describe('the identities of a log', () => {
  test('are a chain from the first: what does not go on from the last one does not count', () => {
    const [ab, bc, ac, cd] = [succession(a, b), succession(b, c), succession(a, c), succession(c, d)];
    const of = (...all: Succession[]) =>
      identitiesOf(a.towerId, all).map((id) => [a, b, c, d].findIndex((key) => key.towerId === id));
    assert.deepEqual(of(), [0]);
    assert.deepEqual(of(ab, bc), [0, 1, 2]);
    assert.deepEqual(of(ab, ac, cd), [0, 1]);
    assert.deepEqual(of(bc, cd), [0]);
    assert.deepEqual(of(ab, succession(b, a)), [0, 1]);
  });
});

describe('who is the same tower as one that is known', () => {
  const kin = (known: TowerKey, ...all: Succession[]) =>
    [a, b, c, d].filter(({ towerId }) => kinOf(known.towerId, all).has(towerId));

  test('is told by statements, in either direction and any order', () => {
    const all = [succession(b, c), succession(a, b)];
    for (const known of [a, b, c]) assert.deepEqual(kin(known, ...all), [a, b, c]);
    assert.deepEqual(kin(d, ...all), [d]);
  });

  test('is not told by what is not signed by both', () => {
    assert.deepEqual(kin(a, succession(a, b, d)), [a]);
    const good = succession(a, b);
    assert.deepEqual(kin(b, { ...good, newSignature: good.oldSignature }), [b]);
  });

  test('is nobody where two statements disagree: a key was stolen', () => {
    const fork = [succession(a, b), succession(a, c)];
    for (const known of [a, b, c]) assert.deepEqual(kin(known, ...fork), [known]);
    assert.deepEqual(kin(d, ...fork, succession(c, d)), [d]);
  });
});
