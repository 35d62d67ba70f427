import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { WireError, WireParser } from '../../../events/log/wire-parser.js';

/** What a parser makes of some bytes that come in such pieces. */
function parse(bytes: Buffer, pieces: readonly number[]): unknown[] {
  const heard: unknown[] = [];
  const parser = new WireParser({
    onLine: (line) => heard.push(line),
    onMessage: ({ subject, reply, headers, data }) =>
      heard.push({ subject, reply, headers: Buffer.from(headers), data: Buffer.from(data) }),
  });
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const room = parser.room();
    const piece = bytes.subarray(at, at + Math.min(room.length, pieces[n % pieces.length] ?? bytes.length));
    room.set(piece);
    parser.read(piece.length);
    at += piece.length;
  }
  return heard;
}

const token = fc.stringMatching(/^[a-zA-Z0-9_$/-]{1,20}$/);
const subject = fc.array(token, { minLength: 1, maxLength: 6 }).map((tokens) => tokens.join('.'));
const body = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom('', '\r\n', 'MSG a 1 5\r\n', 'PING\r\n').map((text) => Buffer.from(text)),
);
const message = fc
  .record({
    subject,
    reply: fc.option(subject, { nil: undefined }),
    headers: fc.uint8Array({ maxLength: 80 }),
    data: body,
  })
  .map((message) => {
    const [headers, data] = [Buffer.from(message.headers), Buffer.from(message.data)];
    const sizes = headers.length > 0 ? `${headers.length} ${headers.length + data.length}` : `${data.length}`;
    const op = headers.length > 0 ? 'HMSG' : 'MSG';
    const reply = message.reply === undefined ? '' : `${message.reply} `;
    const line = Buffer.from(`${op} ${message.subject} 1 ${reply}${sizes}\r\n`);
    return { bytes: Buffer.concat([line, headers, data, Buffer.from('\r\n')]), heard: { ...message, headers, data } };
  });
const line = fc
  .constantFrom('PING', 'PONG', '+OK', "-ERR 'Stale Connection'", 'INFO {"server_id":"a"}')
  .map((text) => ({ bytes: Buffer.from(`${text}\r\n`), heard: text }));

describe('what a server sends', () => {
  test('is taken apart as it was put together, in whatever pieces it comes', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 });
    const property = fc.property(fc.array(fc.oneof(message, line), { maxLength: 30 }), pieces, (sent, pieces) => {
      const heard = sent.map(({ heard }) => heard);
      assert.deepEqual(parse(Buffer.concat(sent.map(({ bytes }) => bytes)), pieces), heard);
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  test('may be as long as any message is', () => {
    const data = Buffer.alloc(1 << 20, 'x');
    const sent = Buffer.concat([Buffer.from(`MSG a 1 b ${data.length}\r\n`), data, Buffer.from('\r\nPING\r\n')]);
    const none = Buffer.alloc(0);
    assert.deepEqual(parse(sent, [50_000]), [{ subject: 'a', reply: 'b', headers: none, data }, 'PING']);
  });

  for (const text of [
    'MSG a\r\n',
    'MSG a 1\r\n',
    'MSG a 1 x\r\n',
    'HMSG a 1 5\r\n',
    'HMSG a 1 9 5\r\n',
    'MSG a 1 9999999\r\n',
  ])
    test(`is not understood where it is ${JSON.stringify(text)}`, () => {
      assert.throws(() => parse(Buffer.from(text), [100]), WireError);
    });
});
