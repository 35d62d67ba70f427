import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Dialect } from '../../events/signing/receipts.js';

/** What came back over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** How each generation's library spells JSON: python's `json.dumps`, rust's `serde_json::to_string` (teos-protocol A3). */
export const spellJson: Readonly<Record<Dialect, (value: unknown) => string>> = {
  python: (value) => dumps(value),
  rust: (value) => JSON.stringify(value),
};

function dumps(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(dumps).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return ascii(JSON.stringify(value));
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${fields.map(([name, each]) => `${ascii(JSON.stringify(name))}: ${dumps(each)}`).join(', ')}}`;
}

/** python escapes everything beyond ASCII. */
const ascii = (json: string): string =>
  Array.from({ length: json.length }, (_, i) => {
    const unit = json.charCodeAt(i);
    return unit < 0x80 ? json[i] : `\\u${unit.toString(16).padStart(4, '0')}`;
  }).join('');

/** The headers that each generation's library sends with a POST, in its order; `Host` and the length are added. */
export const HEADERS: Readonly<Record<Dialect, readonly string[]>> = {
  python: [
    'User-Agent: python-requests/2.28.1',
    'Accept-Encoding: gzip, deflate',
    'Accept: */*',
    'Connection: keep-alive',
    'Content-Type: application/json',
  ],
  rust: ['content-type: application/json', 'accept: */*'],
};

/** A POST as a generation's library sends it, on a connection of its own. */
export function post(url: string, dialect: Dialect, path: string, json: unknown, host?: string): Promise<HttpAnswer> {
  return send(url, request('POST', path, HEADERS[dialect], spellJson[dialect](json), host));
}

/** A request's bytes as text. Without a body there is no length. */
export function request(
  method: string,
  path: string,
  headers: readonly string[],
  body?: string,
  host = 'tower',
): string {
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers, ...length, '', body ?? ''].join('\r\n');
}

/** Sends bytes on a connection of their own and gives the one answer; rejects if the connection ends before it is whole. */
export function send(url: string, bytes: string): Promise<HttpAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let heard = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      heard += text;
      const answer = whole(heard);
      if (!answer) return;
      socket.destroy();
      resolve(answer);
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`the connection ended after ${JSON.stringify(heard)}`)));
  });
}

/** An answer, once all of it is there. */
function whole(text: string): HttpAnswer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map(
    lines.map((line): [string, string] => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
  const body = text.slice(end + 4);
  const length = headers.get('content-length');
  assert.ok(length !== undefined, 'an answer says how long it is');
  if (Buffer.byteLength(body) < Number(length)) return undefined;
  return { status: Number(statusLine.split(' ')[1]), headers, body };
}

/** The status and the JSON of an answer that must be JSON and say so. */
export function told({ status, headers, body }: HttpAnswer): [status: number, json: unknown] {
  assert.equal(headers.get('content-type'), 'application/json');
  return [status, JSON.parse(body)];
}
