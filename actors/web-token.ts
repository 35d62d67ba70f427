import { createHmac, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { digitsOf, secretBytes } from './secret-bytes.js';
import { readOrMakeSecretFile, SecretFileError } from './secret-file.js';

/**
 * What lets somebody in at a node's web page: 64 hex digits in a file that only the node's own user may read, made by whoever
 * needs them first, the node or `argus web`. A browser that shows them is given a session, which follows from them, so that it
 * outlives the node and ends with the file.
 */
export class WebToken {
  private constructor(readonly text: string) {}

  /** The token in a node's folder, made if there is none. Throws `SecretFileError`. */
  static of(data: string): WebToken {
    const file = join(data, 'web.token');
    const text = Buffer.from(readOrMakeSecretFile(file, newDigits)).toString('latin1');
    if (/^[0-9a-f]{64}$/.test(text)) return new WebToken(text);
    throw new SecretFileError(`${file} does not hold a token (64 hex digits): remove it, and another one is made`);
  }

  /** What a browser shows once it was let in; nobody gets the token from it. */
  get session(): string {
    return hash(this.text, 'argus web session').toString('hex');
  }

  isToken(shown: string): boolean {
    return isSame(shown, this.text);
  }

  isSession(shown: string): boolean {
    return isSame(shown, this.session);
  }
}

const hash = (key: string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Takes as long whatever the difference is. */
const isSame = (a: string, b: string): boolean => timingSafeEqual(hash('argus', a), hash('argus', b));

function newDigits(): Uint8Array {
  const bytes = secretBytes(32);
  crypto.getRandomValues(bytes);
  return digitsOf(bytes);
}
