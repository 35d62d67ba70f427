import { createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { clientInbox, PUBLIC_SUBJECTS } from '../wire.js';
import type { Issuer } from './issuer.js';
import { readNkey } from './nkey-text.js';

/** What a NATS server asks about a client that wants to sign in, and what it is answered: JWTs, both. */

const AuthorizationRequest = z.object({
  /** When it asked, by its own clock, in seconds since 1970. */
  iat: z.number().int(),
  nats: z.object({
    server_id: z.object({ id: z.string() }),
    /** The key under which the server knows this connection, and no other. */
    user_nkey: z.string(),
    client_info: z.object({ nonce: z.string().optional() }),
    connect_opts: z.object({ nkey: z.string().optional(), sig: z.string().optional() }),
  }),
});

/** A client's wish to be let in, and when the server asked for it, in s. */
export type SignIn = z.infer<typeof AuthorizationRequest>['nats'] & { readonly at: number };

/**
 * Reads a server's question; undefined if it is none. Its signature is not looked at: it comes over the tower's own account, where
 * only servers and nodes can say anything.
 */
export function readSignIn(jwt: string): SignIn | undefined {
  const [, claims = ''] = jwt.split('.');
  try {
    const asked = AuthorizationRequest.safeParse(JSON.parse(Buffer.from(claims, 'base64url').toString())).data;
    return asked && { ...asked.nats, at: asked.iat };
  } catch {
    return undefined;
  }
}

/** The account of `nats.conf` that clients are let into; and what each connection may take of it, which is said there, too. */
const ACCOUNT = 'PUBLIC';
const LIMITS = { subs: 10, data: -1, payload: 160 * 1024 };

/**
 * What the server is told: to let a client in that has an nkey of its own, whatever it is, as one who may ask the tower and
 * listen where answers to that nkey go; or why not. All of it is said to be of the server's time: a node whose clock is wrong must
 * not keep clients out.
 */
export function answerSignIn(signIn: SignIn, issuer: Issuer): { readonly jwt: string; readonly why?: string } {
  const { server_id: server, user_nkey: connection, connect_opts: given, at: now } = signIn;
  const answer = (outcome: { readonly jwt: string } | { readonly error: string }) => {
    const nats = { ...outcome, type: 'authorization_response', version: 2 };
    return issuer.jwt({ aud: server.id, sub: connection, nats }, now);
  };
  if (given.nkey === undefined || !isOwn(signIn)) {
    const why = given.nkey === undefined ? 'no nkey' : 'not signed with the nkey';
    return { jwt: answer({ error: why }), why };
  }
  const rights = {
    pub: { allow: [PUBLIC_SUBJECTS] },
    sub: { allow: [`${clientInbox(given.nkey)}.>`] },
    ...LIMITS,
    allowed_connection_types: ['STANDARD', 'WEBSOCKET'],
    type: 'user',
    version: 2,
  };
  return { jwt: answer({ jwt: issuer.jwt({ aud: ACCOUNT, sub: connection, name: given.nkey, nats: rights }, now) }) };
}

/** What comes before the 32 bytes of an Ed25519 public key in a SubjectPublicKeyInfo (RFC 8410, 4). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** Whether a client has the secret of the nkey that it names: it signed what the server made up for this connection alone. */
function isOwn({ client_info: { nonce = '' }, connect_opts: { nkey = '', sig = '' } }: SignIn): boolean {
  const raw = readNkey('user', nkey);
  if (!raw || nonce === '') return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });
  return verify(null, Buffer.from(nonce), key, Buffer.from(sig, 'base64'));
}
