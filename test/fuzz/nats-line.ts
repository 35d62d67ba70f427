import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { nkeys } from 'nats';
import { clientInbox, ERROR_CODE_HEADER } from '../../actors/wire.js';
import type { Cleanup } from '../support/temp-dir.js';

/** What was answered: the status of the service convention, 200 where there is none, and the text. */
export interface Answered {
  readonly status: number;
  readonly text: string;
}

interface Asked {
  readonly since: number;
  readonly resolve: (answer: Answered) => void;
  readonly reject: (error: Error) => void;
}

/** How long an answer may take, in ms. */
const PATIENCE_MS = 30_000;

/**
 * A client of the NATS door that has many questions under way, and writes frames and reads them by itself: a library's books for
 * each question would cost more than the tower's answer does.
 */
export class NatsLine {
  readonly #asked = new Map<string, Asked>();
  readonly #inbox: string;
  #next = 0;
  #out: Buffer[] = [];
  #rest = Buffer.alloc(0);

  private constructor(
    private readonly socket: Socket,
    nkey: string,
  ) {
    this.#inbox = clientInbox(nkey);
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server has ended the connection')));
    const timer = setInterval(() => this.#review(), 1_000);
    socket.on('close', () => clearInterval(timer));
  }

  /** Connects, and signs in as a client of its own; it is gone after the test. */
  static async open(t: Cleanup, port: number): Promise<NatsLine> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    t.after(() => void socket.destroy());
    const pair = nkeys.createUser();
    const [info]: Buffer[] = await once(socket, 'data', { signal: AbortSignal.timeout(PATIENCE_MS) });
    const { nonce } = JSON.parse(info?.toString().replace(/^INFO /, '') ?? '');
    const sig = Buffer.from(pair.sign(Buffer.from(String(nonce)))).toString('base64url');
    const line = new NatsLine(socket, pair.getPublicKey());
    const about = { verbose: false, pedantic: false, headers: true, no_responders: true, protocol: 1, lang: 'raw' };
    socket.on('data', (bytes) => line.#read(bytes));
    socket.write(`CONNECT ${JSON.stringify({ ...about, nkey: pair.getPublicKey(), sig })}\r\n`);
    socket.write(`SUB ${line.#inbox}.* 1\r\n`);
    return line;
  }

  /** Rejects if nothing is answered in time, or the server objects. */
  ask(subject: string, body: Uint8Array): Promise<Answered> {
    const token = `${this.#next++}`;
    return new Promise((resolve, reject) => {
      this.#asked.set(token, { since: performance.now(), resolve, reject });
      if (this.#out.length === 0) setImmediate(() => this.#flush());
      this.#out.push(Buffer.from(`PUB ${subject} ${this.#inbox}.${token} ${body.length}\r\n`), Buffer.from(body), END);
    });
  }

  #flush(): void {
    this.socket.write(Buffer.concat(this.#out));
    this.#out = [];
  }

  #read(bytes: Buffer): void {
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    let at = 0;
    for (;;) {
      const end = all.indexOf('\r\n', at, 'latin1');
      if (end < 0) break;
      const words = all.toString('latin1', at, end).split(' ');
      const size = words[0] === 'MSG' || words[0] === 'HMSG' ? Number(words.at(-1)) : undefined;
      const body = end + 2;
      if (size !== undefined && body + size + 2 > all.length) break;
      if (size !== undefined) this.#take(words, all.subarray(body, body + size));
      else if (words[0] === 'PING') this.socket.write('PONG\r\n');
      else if (words[0] === '-ERR') this.#fail(new Error(words.join(' ')));
      at = size === undefined ? body : body + size + 2;
    }
    this.#rest = Buffer.from(all.subarray(at));
  }

  #take([kind, subject = '', ...rest]: readonly string[], bytes: Buffer): void {
    const token = subject.slice(this.#inbox.length + 1);
    const asked = this.#asked.get(token);
    this.#asked.delete(token);
    const length = kind === 'HMSG' ? Number(rest.at(-2)) : 0;
    const head = bytes.toString('latin1', 0, length);
    const at = head.indexOf(`${ERROR_CODE_HEADER}: `);
    const status = at < 0 ? 200 : Number.parseInt(head.slice(at + ERROR_CODE_HEADER.length + 2), 10);
    if (head.startsWith('NATS/1.0 503')) asked?.reject(new Error('nobody listens'));
    else asked?.resolve({ status, text: bytes.toString('utf8', length) });
  }

  #review(): void {
    const [oldest] = this.#asked.values();
    if (oldest && performance.now() - oldest.since > PATIENCE_MS) this.#fail(new Error('no answer in time'));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}

const END = Buffer.from('\r\n');
