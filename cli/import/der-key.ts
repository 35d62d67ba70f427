import { createPrivateKey, type KeyObject } from 'node:crypto';
import { secretBytes } from '../../actors/secret-bytes.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { ImportError } from './old-tower.js';

/** The secret key in a file of ASN.1 (DER): PKCS #8, or SEC 1 as older versions wrote it; 32 bytes, which the caller wipes. Throws `ImportError`. */
export function privateKeyIn(der: Buffer, file: string): Uint8Array {
  const key = parsed(der, 'pkcs8') ?? parsed(der, 'sec1');
  const { crv, d } = key?.asymmetricKeyType === 'ec' ? key.export({ format: 'jwk' }) : {};
  const bytes = Buffer.from(d ?? '', 'base64url');
  if (crv !== 'secp256k1' || !secp256k1.isValidSecretKey(bytes))
    throw new ImportError(`${file} is no private key of the curve secp256k1, in DER`);
  const secret = secretBytes(bytes.length);
  secret.set(bytes);
  bytes.fill(0);
  return secret;
}

function parsed(key: Buffer, type: 'pkcs8' | 'sec1'): KeyObject | undefined {
  try {
    return createPrivateKey({ key, format: 'der', type });
  } catch {
    return undefined;
  }
}
