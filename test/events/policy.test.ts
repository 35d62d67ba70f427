import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { InviteToken, inviteIdOf, inviteToken, TOKEN_BYTES } from '../../events/policy.js';

test('a token is the base32 (RFC 4648) of its random bytes, in lower case and of the length of one label', () => {
  assert.equal(inviteToken(new Uint8Array(TOKEN_BYTES)), 'a'.repeat(32));
  assert.equal(inviteToken(new Uint8Array(TOKEN_BYTES).fill(0xff)), '7'.repeat(32));
  // RFC 4648 section 10: "foobar" is MZXW6YTBOI, padding left out.
  const foobar = inviteToken(Buffer.from('foobarfoobarfoobarfo'));
  assert.ok(foobar.startsWith('mzxw6ytbo'), foobar);
  assert.throws(() => inviteToken(new Uint8Array(TOKEN_BYTES - 1)));
});

test('an invite is found by its token, in whatever case that is written, and by nothing else', () => {
  const token = inviteToken(new Uint8Array(TOKEN_BYTES).fill(7));
  const id = inviteIdOf(token);
  assert.equal(id, createHash('sha256').update(token).digest('hex').slice(0, 32));
  assert.equal(inviteIdOf(InviteToken.parse(token.toUpperCase())), id);
  assert.notEqual(inviteIdOf(InviteToken.parse(`${token.slice(0, -1)}a`)), id);
});
