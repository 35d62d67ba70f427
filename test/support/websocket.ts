import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { Duplex } from 'node:stream';
import type { Cleanup } from './temp-dir.js';

/** A websocket (RFC 6455) as a stream of bytes, as far as a NATS server needs one: no extensions, no texts. */
export async function openWebSocket(t: Cleanup, url: string, caFile?: string): Promise<Duplex> {
  const { protocol, hostname, port } = new URL(url);
  const key = randomBytes(16).toString('base64');
  const headers = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': 13,
  };
  const options: RequestOptions = { host: hostname, port, headers, agent: false };
  const asked =
    protocol === 'wss:' ? requestTls({ ...options, ...(caFile && { ca: readFileSync(caFile) }) }) : request(options);
  asked.end();
  const [, socket, head] = (await once(asked, 'upgrade')) as [unknown, Duplex, Buffer];
  t.after(() => socket.destroy());
  const stream = new Duplex({
    read: () => {},
    write: (bytes: Buffer, _, done) => void socket.write(framed(bytes), done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  let buffer: Buffer = head;
  const read = () => {
    for (let frame = unframed(buffer); frame; frame = unframed(buffer)) {
      buffer = buffer.subarray(frame.size);
      if (frame.operation === CLOSE) stream.destroy();
      else if (frame.operation < CLOSE) stream.push(frame.payload);
    }
  };
  read();
  socket.on('data', (bytes: Buffer) => {
    buffer = Buffer.concat([buffer, bytes]);
    read();
  });
  socket.on('close', () => stream.destroy());
  return stream;
}

const BINARY = 2;
const CLOSE = 8;

/** A whole message of a client's, which has to be masked. */
function framed(payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const head = Buffer.alloc(10);
  head[0] = 0x80 | BINARY;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  const masked = Buffer.from(payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
  return Buffer.concat([head, mask, masked]);
}

/** The first frame of a server's, which is not masked; undefined while it is not whole. */
function unframed(bytes: Buffer): { operation: number; payload: Buffer; size: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < start) return undefined;
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < start + length) return undefined;
  return { operation: (bytes[0] ?? 0) & 0x0f, payload: bytes.subarray(start, start + length), size: start + length };
}
