import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Dialect } from '../../events/signing/receipts.js';
import type { Operation } from './requests.js';

/** What there is to be known of an HTTP request before anybody looks at its fields (teos-protocol A3 and B6). */

const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ['/register', 'register'],
  ['/add_appointment', 'add_appointment'],
  ['/delete_appointment', 'delete_appointment'],
  ['/get_appointment', 'get_appointment'],
  ['/get_proof', 'get_proof'],
  ['/get_subscription_info', 'get_subscription_info'],
]);

/** The operation that a path names; undefined if it names none. */
export const operationAt = (path: string): Operation | undefined => OPERATIONS.get(path);

export const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? url;

/** Whether a body says that it is JSON, or says nothing. */
export function mayBeJson({ 'content-type': type }: IncomingHttpHeaders): boolean {
  return type === undefined || type.split(';', 1)[0]?.trim().toLowerCase() === 'application/json';
}

/** JSON as python writes it: a space after the first colon. */
const PYTHON_JSON = /^\s*\{\s*"[^"\\]{0,64}": /;

/**
 * The generation that a request looks like: python's clients say so in their `User-Agent` and write JSON with spaces; the
 * rust plugin sends no `User-Agent` and writes it without.
 */
export function guessDialect({ 'user-agent': agent }: IncomingHttpHeaders, body: Uint8Array): Dialect {
  if (agent?.startsWith('python-requests')) return 'python';
  const beginning = Buffer.from(body.subarray(0, 128)).toString('latin1');
  return PYTHON_JSON.test(beginning) ? 'python' : 'rust';
}

/** Beyond this many bytes nobody listens any longer: it is no client's mistake. */
const MOST_HEARD = 16 * 1024 * 1024;

/** What a client sent. */
export interface Body {
  /** Not more than it may send. */
  readonly bytes: Uint8Array;
  /** Whether that is all of it. */
  readonly isWhole: boolean;
}

/**
 * A request's body. What it has more than `most` bytes is listened to all the same, since a client that is answered while it
 * still sends may see its connection break instead. Rejects if the client goes away first.
 */
export function readBody(request: IncomingMessage, most: number): Promise<Body> {
  return new Promise((resolve, reject) => {
    // Copied into one place: a client may send its bytes one by one, and as objects each would take a hundred.
    let bytes: Buffer = Buffer.alloc(0);
    let size = 0;
    const body = (): Body => ({ bytes: bytes.subarray(0, Math.min(size, most)), isWhole: size <= most });
    if (request.destroyed) return reject(new Error('the client went away'));
    request.on('data', (chunk: Buffer) => {
      if (size < most) {
        bytes = withRoom(bytes, size, Math.min(size + chunk.length, most));
        chunk.copy(bytes, size, 0, most - size);
      }
      size += chunk.length;
      if (size <= MOST_HEARD) return;
      request.pause();
      resolve(body());
    });
    request.on('end', () => resolve(body()));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the client went away')));
  });
}

/** The first `used` bytes, with room for `wanted`: more than that by half, so that none is moved often. */
function withRoom(bytes: Buffer, used: number, wanted: number): Buffer {
  if (wanted <= bytes.length) return bytes;
  const roomy = Buffer.allocUnsafeSlow(used === 0 ? wanted : Math.ceil(1.5 * wanted));
  bytes.copy(roomy, 0, 0, used);
  return roomy;
}
