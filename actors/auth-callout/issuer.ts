import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign } from 'node:crypto';
import { nkeyText } from './nkey-text.js';

/** Who signs for the NATS server what a client may do: the server is told its public key, as ARGUS_ISSUER_NKEY. */
export interface Issuer {
  /** `A...` */
  readonly publicKey: string;
  /** A JWT as NATS has them: the claims with who signs, when (in s), and an id, under the issuer's key. */
  readonly jwt: (claims: Readonly<Record<string, unknown>>, now: number) => string;
}

/** Keeps what is derived here from being what is derived elsewhere. */
const PURPOSE = 'argus: who signs clients in to NATS';
/** What comes before the 32 bytes of an Ed25519 secret key in PKCS #8 (RFC 8410, 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The issuer of a tower whose nodes have this nkey seed (`SU...`). It is derived from that, so that there is no other secret to
 * keep and to copy: whoever has the seed may do all that the issuer may, and more. The two keys sign nothing alike: what a
 * node signs to sign in, any server may choose, and none may choose a JWT.
 */
export function issuerOf(nodeSeed: string): Issuer {
  const secret = Buffer.from(hkdfSync('sha256', nodeSeed, '', PURPOSE, 32));
  const der = Buffer.concat([PKCS8, secret]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  secret.fill(0);
  der.fill(0);
  const publicKey = nkeyText('account', rawPublicKey(key));
  return {
    publicKey,
    jwt: (claims, now) => {
      const said = { ...claims, iss: publicKey, iat: now };
      const jti = createHash('sha256').update(JSON.stringify(said)).digest('base64url');
      const text = `${HEADER}.${base64url(JSON.stringify({ ...said, jti }))}`;
      return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
    },
  };
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url');

const HEADER = base64url('{"typ":"JWT","alg":"ed25519-nkey"}');

const rawPublicKey = (key: KeyObject): Uint8Array =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
