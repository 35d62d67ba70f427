import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nkeys } from 'nats';
import { issuerOf } from '../../../actors/auth-callout/issuer.js';
import { nkeyText, readNkey } from '../../../actors/auth-callout/nkey-text.js';
import { answerSignIn, readSignIn, type SignIn } from '../../../actors/auth-callout/sign-in.js';

const NOW = 1_800_000_000;
const newSeed = () => new TextDecoder().decode(nkeys.createUser().getSeed());
const issuer = issuerOf(newSeed());
const nonce = 'what the server made up';

/** What a server asks about a client that signs the nonce with `pair`. */
const asked = (pair = nkeys.createUser(), given: Partial<SignIn['connect_opts']> = {}): SignIn => ({
  at: NOW,
  server_id: { id: 'N-server' },
  user_nkey: 'U-connection',
  client_info: { nonce },
  connect_opts: { nkey: pair.getPublicKey(), sig: signed(pair, nonce), ...given },
});

const signed = (pair: ReturnType<typeof nkeys.createUser>, text: string): string =>
  Buffer.from(pair.sign(new TextEncoder().encode(text))).toString('base64');

/** The claims of a JWT that the issuer signed, as the NATS client's own keys verify it. */
function claims(jwt: string) {
  const [header = '', body = '', signature = ''] = jwt.split('.');
  const isSigned = nkeys
    .fromPublic(issuer.publicKey)
    .verify(new TextEncoder().encode(`${header}.${body}`), Buffer.from(signature, 'base64url'));
  assert.ok(isSigned);
  return JSON.parse(Buffer.from(body, 'base64url').toString());
}

test('nkeys are written and read as the NATS client does', () => {
  for (const pair of [nkeys.createUser(), nkeys.createUser()]) {
    const text = pair.getPublicKey();
    const raw = readNkey('user', text) ?? assert.fail(text);
    assert.equal(nkeyText('user', raw), text);
    assert.equal(readNkey('account', text), undefined);
    assert.doesNotThrow(() => nkeys.fromPublic(nkeyText('account', raw)));
    const wrong = `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`;
    for (const other of [wrong, text.toLowerCase(), `${text}A`, text.slice(1), '*', '>', '', `${text.slice(0, 54)}.>`])
      assert.equal(readNkey('user', other), undefined, other);
  }
});

test('the issuer follows from the node’s seed alone, and is not its key', () => {
  const seed = newSeed();
  const { publicKey } = issuerOf(seed);
  assert.equal(issuerOf(seed).publicKey, publicKey);
  assert.match(publicKey, /^A[A-Z2-7]{55}$/);
  assert.notEqual(issuerOf(newSeed()).publicKey, publicKey);
  const raw = readNkey('user', nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey());
  assert.notEqual(nkeyText('account', raw ?? assert.fail()), publicKey);
});

describe('a client that wants to sign in', () => {
  test('with an nkey that is its own may ask the tower and listen at that nkey’s inbox', () => {
    const pair = nkeys.createUser();
    const { jwt, why } = answerSignIn(asked(pair), issuer);
    assert.equal(why, undefined);
    const answer = claims(jwt);
    assert.deepEqual([answer.aud, answer.sub, answer.iat], ['N-server', 'U-connection', NOW]);
    const user = claims(answer.nats.jwt);
    assert.deepEqual([user.aud, user.sub, user.name], ['PUBLIC', 'U-connection', pair.getPublicKey()]);
    assert.deepEqual(user.nats, {
      pub: { allow: ['argus.v1.*'] },
      sub: { allow: [`_INBOX_${pair.getPublicKey()}.>`] },
      subs: 10,
      data: -1,
      payload: 163_840,
      allowed_connection_types: ['STANDARD', 'WEBSOCKET'],
      type: 'user',
      version: 2,
    });
  });

  const victim = nkeys.createUser();
  const cases: Record<string, SignIn> = {
    'without an nkey': { ...asked(), connect_opts: {} },
    'with a password': { ...asked(), connect_opts: { sig: 'x' } },
    'with another’s nkey and its own signature': asked(nkeys.createUser(), { nkey: victim.getPublicKey() }),
    'with another’s signature of another nonce': asked(victim, { sig: signed(victim, 'of another connection') }),
    'with a wildcard for an nkey': asked(undefined, { nkey: '*' }),
    'with an account’s nkey': asked(nkeys.createAccount()),
    'with no signature': asked(victim, { sig: '' }),
    'where the server made up no nonce': { ...asked(victim, { sig: signed(victim, '') }), client_info: {} },
  };
  for (const [name, signIn] of Object.entries(cases))
    test(`${name} is told no`, () => {
      const { jwt, why } = answerSignIn(signIn, issuer);
      assert.ok(why);
      assert.deepEqual(claims(jwt).nats, { error: why, type: 'authorization_response', version: 2 });
    });
});

test('what is no question of a server is none', () => {
  const jwt = (body: unknown) => `x.${Buffer.from(JSON.stringify(body)).toString('base64url')}.x`;
  assert.deepEqual(readSignIn(jwt({ iat: NOW, nats: { ...asked(), type: 'authorization_request' } }))?.server_id, {
    id: 'N-server',
  });
  for (const text of ['', 'x', 'x.y.z', jwt({}), jwt(null), jwt({ nats: { ...asked(), user_nkey: 5 } })])
    assert.equal(readSignIn(text), undefined, text);
});
