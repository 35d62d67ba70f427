import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { fromHex, toHex } from '../../events/bytes.js';
import { type Locator, UserId } from '../../events/ids.js';
import {
  type Appointment,
  getAppointmentRequest,
  getSubscriptionInfoRequest,
  serializeAppointment,
} from '../../events/signing/appointment.js';
import { signMessage } from '../../events/signing/message.js';
import type { Dialect } from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';

/** The bytes that the clients that exist put on the wire (teos-protocol A3 to A7), over a raw socket: one connection a call. */

/** Somebody with a key, and the fields of what they ask for. */
export class Asker {
  readonly userId: UserId;

  constructor(private readonly secret: Uint8Array) {
    this.userId = UserId.parse(toHex(secp256k1.publicKey(secret)));
  }

  register(dialect: Dialect): object {
    return dialect === 'python' ? { public_key: this.userId } : { user_id: this.userId };
  }

  add(appointment: Appointment) {
    const { locator, encryptedBlob, toSelfDelay } = appointment;
    return {
      appointment: { locator, encrypted_blob: toHex(encryptedBlob), to_self_delay: toSelfDelay },
      signature: signMessage(serializeAppointment(appointment), this.secret),
    };
  }

  get(locator: Locator): object {
    return { locator, signature: signMessage(getAppointmentRequest(locator), this.secret) };
  }

  subscription(): object {
    return { signature: signMessage(getSubscriptionInfoRequest(), this.secret) };
  }
}

/** An appointment that nobody can trigger: its blob is as good as any other until then. */
export const anAppointment = (locator: string, blobBytes = 100, toSelfDelay = 42): Appointment => ({
  locator: locator.padStart(32, '0') as Locator,
  encryptedBlob: fromHex('5a'.repeat(blobBytes)),
  toSelfDelay,
});

/** JSON as each generation spells it: python's separators have a space behind them. */
export function spellJson(dialect: Dialect, value: unknown): string {
  if (dialect === 'rust' || typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}: ${spellJson(dialect, field)}`);
  return `{${fields.join(', ')}}`;
}

/** What stands before the body: python-requests' headers with its `User-Agent`; reqwest's, which has none. */
export const headOf = (dialect: Dialect, path: string, host: string, length: number): string =>
  (dialect === 'python'
    ? [
        `POST ${path} HTTP/1.1`,
        `Host: ${host}`,
        'User-Agent: python-requests/2.31.0',
        'Accept-Encoding: gzip, deflate',
        'Accept: */*',
        'Connection: keep-alive',
        `Content-Length: ${length}`,
        'Content-Type: application/json',
      ]
    : [
        `POST ${path} HTTP/1.1`,
        'content-type: application/json',
        'accept: */*',
        `host: ${host}`,
        `content-length: ${length}`,
      ]
  )
    .concat('', '')
    .join('\r\n');

/** A whole request as a client of that generation sends it. */
export function bytesOf(dialect: Dialect, path: string, url: string, value: unknown): Buffer {
  const body = spellJson(dialect, value);
  return Buffer.from(headOf(dialect, path, new URL(url).host, Buffer.byteLength(body)) + body);
}

/** What came back, as far as a client can tell. */
export type Came =
  /** Nobody listens. */
  | { readonly kind: 'refused' }
  /** The connection was made, and ended without a whole answer. */
  | { readonly kind: 'closed'; readonly why: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'answer'; readonly status: number; readonly head: string; readonly body: Buffer };

export interface Line {
  readonly socket: Socket;
  /** Resolves once with what became of it. */
  readonly came: Promise<Came>;
}

/** A connection that waits for one answer, for as long as the most patient client that gives up at all. */
export function openLine(url: string, timeoutMs = 30_000): Line {
  const { protocol, hostname, port } = new URL(url);
  const where = { host: hostname, port: Number(port) };
  const socket =
    protocol === 'https:' ? connectTls({ ...where, rejectUnauthorized: false }) : connect({ ...where, noDelay: true });
  const came = new Promise<Came>((resolve) => {
    let said = Buffer.alloc(0);
    const timer = setTimeout(() => end({ kind: 'timeout' }), timeoutMs);
    const end = (what: Came) => {
      clearTimeout(timer);
      resolve(what);
      socket.destroy();
    };
    socket.on('data', (bytes) => {
      said = Buffer.concat([said, bytes]);
      const answer = wholeAnswer(said);
      if (answer) end(answer);
    });
    socket.on('error', (error: Error & { code?: string }) =>
      end(error.code === 'ECONNREFUSED' ? { kind: 'refused' } : { kind: 'closed', why: error.code ?? error.message }),
    );
    socket.on('close', () => end({ kind: 'closed', why: `after ${said.length} bytes` }));
  });
  return { socket, came };
}

/** Sends bytes on a connection of their own. */
export function exchange(url: string, bytes: Uint8Array, timeoutMs?: number): Promise<Came> {
  const { socket, came } = openLine(url, timeoutMs);
  socket.write(bytes);
  return came;
}

/** Makes one call as a client of that generation does. */
export const call = (dialect: Dialect, url: string, path: string, value: unknown): Promise<Came> =>
  exchange(url, bytesOf(dialect, path, url, value));

/** An answer, once its header and as much of a body as that says are there; `100 Continue` is none. */
function wholeAnswer(said: Buffer): Came | undefined {
  const end = said.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = said.toString('latin1', 0, end);
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
  if (status === 100) return wholeAnswer(said.subarray(end + 4));
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const body = said.subarray(end + 4, end + 4 + length);
  return body.length < length ? undefined : { kind: 'answer', status, head, body };
}
