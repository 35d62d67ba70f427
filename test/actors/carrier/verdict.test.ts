import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayPassAsPackage, type Refusal, tokenOf, verdictOf } from '../../../actors/carrier/verdict.js';

/** given what bitcoind said / when it is judged / then this verdict, and whether a package with the parent is worth a try. */
const CASES: [said: string, refusal: Refusal, verdict: string, asPackage: boolean][] = [
  ['does not decode', { rpcCode: -22 }, 'invalid', false],
  ['no such inputs', { rpcCode: -25 }, 'inputs-missing-or-spent', true],
  ['no such inputs any more', { rpcCode: -26, token: 'missing-inputs' }, 'inputs-missing-or-spent', true],
  ['outputs in the chain', { rpcCode: -27 }, 'already-mined', false],
  ['in the chain by now', { rpcCode: -26, token: 'txn-already-known' }, 'already-mined', false],
  ['in the mempool by now', { rpcCode: -26, token: 'txn-already-in-mempool' }, 'accepted', false],
  ['accepted by now', { rpcCode: -26 }, 'policy', false],
  ['below the relay fee', { rpcCode: -26, token: 'min relay fee not met' }, 'policy', true],
  ['below what the mempool asks', { rpcCode: -26, token: 'mempool min fee not met' }, 'policy', true],
  ['too cheap to replace another', { rpcCode: -26, token: 'insufficient fee' }, 'policy', false],
  ['another that may not be replaced', { rpcCode: -26, token: 'txn-mempool-conflict' }, 'policy', false],
  ['dust', { rpcCode: -26, token: 'dust' }, 'policy', false],
  ['not yet final', { rpcCode: -26, token: 'non-final' }, 'policy', false],
  ['a coinbase that is too young', { rpcCode: -26, token: 'bad-txns-premature-spend-of-coinbase' }, 'policy', false],
  ['a script, maybe by policy', { rpcCode: -26, token: 'mempool-script-verify-flag-failed' }, 'policy', false],
  ['a script, by consensus', { rpcCode: -26, token: 'mandatory-script-verify-flag-failed' }, 'invalid', false],
  ['a script, by relay alone', { rpcCode: -26, token: 'non-mandatory-script-verify-flag' }, 'policy', false],
  ['more out than in', { rpcCode: -26, token: 'bad-txns-in-belowout' }, 'invalid', false],
  ['a token of tomorrow', { rpcCode: -26, token: 'bad-moon' }, 'policy', false],
  ['a fault of bitcoind', { rpcCode: -32603 }, 'unknown', false],
  ['a method that is not there', { rpcCode: -32601 }, 'unknown', false],
];

for (const [said, refusal, verdict, asPackage] of CASES)
  test(`${said} is ${verdict}${asPackage ? ', and may pass with its parent' : ''}`, () => {
    assert.equal(verdictOf(refusal).kind, verdict);
    assert.equal(mayPassAsPackage(refusal), asPackage);
  });

test('the token is what stands before the words for people', () => {
  assert.equal(tokenOf('min relay fee not met'), 'min relay fee not met');
  assert.equal(tokenOf('min relay fee not met, 0 < 189'), 'min relay fee not met');
  const failed = 'mempool-script-verify-flag-failed (Witness program was passed an empty witness)';
  assert.equal(tokenOf(failed), 'mempool-script-verify-flag-failed');
});

test('the detail has the code and the token', () => {
  const verdict = verdictOf({ rpcCode: -26, token: 'non-final' });
  assert.deepEqual(verdict, { kind: 'policy', detail: '-26 non-final' });
  assert.deepEqual(verdictOf({ rpcCode: -1 }), { kind: 'unknown', detail: '-1' });
});
