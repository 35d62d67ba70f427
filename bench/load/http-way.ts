import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Reply } from '../../actors/client/courier.js';
import type { Way } from './way.js';

/**
 * By HTTP over so many connections that are kept: one request on each at a time. It writes and reads the bytes itself, since
 * an HTTP client would take more of the machine than the server that is measured.
 */
export class HttpWay implements Way {
  readonly #idle: Line[] = [];
  readonly #lines: readonly Line[];

  static async open(url: string, connections: number): Promise<HttpWay> {
    const { hostname, port } = new URL(url);
    const sockets = Array.from({ length: connections }, () => connect(Number(port), hostname).setNoDelay(true));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    return new HttpWay(sockets.map((socket) => new Line(socket)));
  }

  private constructor(lines: readonly Line[]) {
    this.#lines = lines;
    this.#idle.push(...lines);
  }

  async send(operation: string, body: Buffer): Promise<() => Reply> {
    const line = this.#idle.pop();
    if (!line) throw new Error('more requests at once than connections');
    try {
      const answer = await line.ask('POST', `/${operation}`, body);
      return () => read(answer);
    } finally {
      this.#idle.push(line);
    }
  }

  /** The least that can be asked. */
  async ping(): Promise<void> {
    const [line] = this.#lines;
    await line?.ask('GET', '/ping', Buffer.alloc(0));
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** One connection: what arrives until an answer is whole. */
class Line {
  #received: Buffer = Buffer.alloc(0);
  #waiting: { resolve(answer: Buffer): void; reject(error: Error): void } | undefined;

  constructor(private readonly socket: Socket) {
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('error', (error) => this.#waiting?.reject(error));
    socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed')));
  }

  ask(method: string, path: string, body: Buffer): Promise<Buffer> {
    if (!this.socket.writable) return Promise.reject(new Error('the connection was closed meanwhile'));
    const head = `${method} ${path} HTTP/1.1\r\nhost: argus\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    this.socket.write(Buffer.concat([Buffer.from(head), body]));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    const end = this.#received.indexOf(HEAD_END);
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(this.#received.toString('latin1', 0, end))?.[1] ?? 0);
    const total = end + HEAD_END.length + length;
    if (this.#received.length < total) return;
    const answer = this.#received.subarray(0, total);
    this.#received = this.#received.subarray(total);
    this.#waiting?.resolve(answer);
    this.#waiting = undefined;
  }
}

function read(answer: Buffer): Reply {
  const end = answer.indexOf(HEAD_END);
  const head = answer.toString('latin1', 0, end);
  const reason = /^argus-reason: (.*)$/im.exec(head)?.[1]?.trim();
  return {
    status: Number(head.split(' ', 2)[1]),
    json: JSON.parse(answer.toString('utf8', end + HEAD_END.length)),
    reason,
  };
}
