import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { userInfo } from 'node:os';
import { readSecretFile } from '../secret-file.js';
import { type TorControl, TorError } from './control.js';

/** What tor says of itself to whoever asks. */
export interface TorInfo {
  /** Such as `0.4.9.15`. */
  readonly version: string;
}

/**
 * Signs in to a control port: with the password in a file, if there is one, else with tor's cookie (SAFECOOKIE, by which neither
 * side shows it), else without anything where tor asks for nothing. Rejects with `TorError`, and with `SecretFileError` of the
 * password's file.
 */
export async function signIn(control: TorControl, passwordFile: string | undefined): Promise<TorInfo> {
  const lines = await control.ask('PROTOCOLINFO 1');
  const auth = lines.find((line) => line.startsWith('AUTH '));
  const methods = /METHODS=([A-Z0-9,]+)/.exec(auth ?? '')?.[1]?.split(',');
  if (!methods) throw new TorError('odd', 'what answers there is not tor: it does not say how to sign in');
  const version =
    /^VERSION Tor="([^"]{1,50})"/.exec(lines.find((line) => line.startsWith('VERSION ')) ?? '')?.[1] ?? '?';
  if (passwordFile !== undefined) await byPassword(control, methods, passwordFile);
  else if (methods.includes('NULL')) await control.ask('AUTHENTICATE');
  else if (methods.includes('SAFECOOKIE')) await byCookie(control, cookieFile(auth ?? ''));
  else
    throw new TorError(
      'refused',
      `tor takes ${methods.join(' and ')} alone: tor.password_file, or CookieAuthentication 1 in torrc`,
    );
  return { version };
}

async function byPassword(control: TorControl, methods: readonly string[], file: string): Promise<void> {
  if (!methods.includes('HASHEDPASSWORD'))
    throw new TorError('refused', 'tor takes no password: HashedControlPassword in torrc, or no tor.password_file');
  const bytes = readSecretFile(file);
  const [password = ''] = Buffer.from(bytes).toString('latin1').split(/\r?\n/, 1);
  bytes.fill(0);
  await control.ask(`AUTHENTICATE "${password.replace(/["\\]/g, '\\$&')}"`).catch((cause) => {
    if (!(cause instanceof TorError) || cause.reason !== 'refused') throw cause;
    throw new TorError('refused', `tor does not take the password in ${file}: HashedControlPassword in torrc`, {
      cause,
    });
  });
}

/** control-spec, section 3.24. */
async function byCookie(control: TorControl, file: string): Promise<void> {
  const cookie = readCookie(file);
  const ours = randomBytes(32);
  const [challenge = ''] = await control.ask(`AUTHCHALLENGE SAFECOOKIE ${ours.toString('hex')}`);
  const [, hash = '', nonce = ''] =
    /^AUTHCHALLENGE SERVERHASH=([0-9A-Fa-f]{64}) SERVERNONCE=([0-9A-Fa-f]{64})$/.exec(challenge) ?? [];
  const mac = (whose: string) =>
    createHmac('sha256', `Tor safe cookie authentication ${whose} hash`)
      .update(Buffer.concat([cookie, ours, Buffer.from(nonce, 'hex')]))
      .digest();
  const theirs = Buffer.from(hash, 'hex');
  const isTor = theirs.length === 32 && timingSafeEqual(theirs, mac('server-to-controller'));
  if (!isTor) throw new TorError('refused', `what answers there does not know the cookie in ${file}, which it names`);
  await control.ask(`AUTHENTICATE ${mac('controller-to-server').toString('hex')}`);
}

/** A name in C's quotes, as far as tor uses them: a backslash before a quote and before itself. */
function cookieFile(auth: string): string {
  const begin = 'COOKIEFILE="';
  const from = auth.indexOf(begin);
  let file = '';
  for (let i = from + begin.length; from >= 0 && i < auth.length; i++) {
    if (auth[i] === '"') return file;
    if (auth[i] === '\\') i++;
    file += auth[i] ?? '';
  }
  throw new TorError('odd', 'tor does not say where its cookie is');
}

const COOKIE_BYTES = 32;

/** Whatever answers names the file: so only a cookie is taken for one, and no pipe is waited for. */
function readCookie(file: string): Uint8Array {
  try {
    const fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const bytes = Buffer.alloc(COOKIE_BYTES);
      const stats = fstatSync(fd);
      if (!stats.isFile() || stats.size !== COOKIE_BYTES || readSync(fd, bytes) !== COOKIE_BYTES)
        throw new TorError('refused', `${file} is not tor's cookie`);
      return bytes;
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (cause instanceof TorError) throw cause;
    const isForbidden = cause instanceof Error && 'code' in cause && cause.code === 'EACCES';
    const cure = isForbidden
      ? `: CookieAuthFileGroupReadable 1 in torrc, and this user into the file's group (usermod -aG debian-tor ${userInfo().username})`
      : ` (${cause instanceof Error ? cause.message : cause})`;
    throw new TorError('refused', `tor's cookie ${file} cannot be read by this user${cure}`, { cause });
  }
}
