import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Certificates for tests, made by the `openssl` on PATH. */

/** Why a test that needs certificates is skipped; false if it need not be. */
export const noCertificates: string | false =
  spawnSync('openssl', ['version']).status === 0 ? false : 'there is no openssl to make a certificate with';

/** PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** The authority's own certificate. */
  readonly ca: string;
}

/** A new authority, whose files are in `folder`, as what it makes: certificates for 127.0.0.1 and localhost, good for servers and clients. */
export function makeAuthority(folder: string): (name: string) => Certificate {
  const file = (name: string) => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const [ca, caKey] = [file('ca.pem'), file('ca.key')];
  openssl('req', '-x509', ...newKey, '-subj', '/CN=authority', '-keyout', caKey, '-out', ca);
  const use = file('use');
  writeFileSync(use, 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n');
  return (name) => {
    const [cert, key, asked] = [file(`${name}.pem`), file(`${name}.key`), file(`${name}.csr`)];
    openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', key, '-out', asked);
    const by = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial'];
    openssl('x509', '-req', '-in', asked, ...by, '-days', '2', '-extfile', use, '-out', cert);
    return { cert, key, ca };
  };
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}
