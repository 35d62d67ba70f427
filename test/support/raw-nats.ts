import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { nkeys } from 'nats';
import { within } from '../../cli/servers/child.js';
import type { Cleanup } from './temp-dir.js';

/** Who a raw client says it is; a field given here wins over what an honest client would say. */
export interface RawSignIn {
  /** The seed of the nkey that it signs the server's nonce with. */
  readonly seed?: Uint8Array;
  /** Further fields of `CONNECT`. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** A message as it came. */
export interface RawMessage {
  readonly subject: string;
  /** Its headers, if there are any, and its body. */
  readonly text: string;
}

/** A NATS client that says what it is told to, letter for letter: no library keeps it from anything. */
export class RawNats {
  /** The server's refusals, and other lines, oldest first; `PING` is answered and not kept. */
  readonly lines: string[] = [];
  readonly messages: RawMessage[] = [];
  readonly closed: Promise<unknown>;
  info: Readonly<Record<string, unknown>> = {};
  #buffer = Buffer.alloc(0);
  #heard: () => void = () => {};

  /** Over any stream of bytes. */
  constructor(private readonly stream: Duplex) {
    this.closed = new Promise((resolve) => stream.once('close', resolve));
    stream.on('error', () => {}); // the server may break off at any time
    stream.on('data', (bytes: Buffer) => this.#read(bytes));
  }

  /** Connects over TCP and signs in; it is gone after the test. */
  static async signIn(t: Cleanup, port: number, signIn: RawSignIn = {}): Promise<RawNats> {
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    const raw = new RawNats(socket);
    await once(socket, 'connect');
    await raw.signIn(signIn);
    return raw;
  }

  /** Answers the server's `INFO`; what the server says to that is in `lines`. */
  async signIn({ seed, fields }: RawSignIn): Promise<readonly string[]> {
    await this.#until(() => this.info.server_id !== undefined);
    const pair = seed && nkeys.fromSeed(seed);
    const sig = pair?.sign(Buffer.from(String(this.info.nonce)));
    const signed = pair && { nkey: pair.getPublicKey(), sig: sig && Buffer.from(sig).toString('base64url') };
    const about = { verbose: false, pedantic: false, headers: true, no_responders: true, protocol: 1, lang: 'raw' };
    return this.say(`CONNECT ${JSON.stringify({ ...about, ...signed, ...fields })}\r\n`);
  }

  /** Says something; resolves with what the server answered by lines, when it has taken it in or has closed the connection. */
  async say(text: string): Promise<readonly string[]> {
    const before = this.lines.length;
    const pongs = this.#count('PONG');
    this.stream.write(`${text}PING\r\n`);
    await this.#until(() => this.#count('PONG') > pongs);
    return this.lines.slice(before).filter((line) => line !== 'PONG');
  }

  subscribe(subject: string, sid = 1, queue = ''): Promise<readonly string[]> {
    return this.say(`SUB ${subject} ${queue} ${sid}\r\n`);
  }

  publish(subject: string, body = '', reply = ''): Promise<readonly string[]> {
    return this.say(`PUB ${subject} ${reply} ${Buffer.byteLength(body)}\r\n${body}\r\n`);
  }

  publishWith(headers: Readonly<Record<string, string>>, subject: string, body = '', reply = '') {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `NATS/1.0\r\n${lines.join('')}\r\n`;
    return this.say(`HPUB ${subject} ${reply} ${head.length} ${head.length + body.length}\r\n${head}${body}\r\n`);
  }

  close(): void {
    this.stream.destroy();
  }

  #count(line: string): number {
    return this.lines.filter((one) => one === line).length;
  }

  /** Waits until something was heard, the connection is closed, or nothing came for long. */
  async #until(isThere: () => boolean): Promise<void> {
    const closed = this.closed.then(() => 'closed' as const);
    while (!isThere()) {
      const heard = new Promise<'heard'>((resolve) => {
        this.#heard = () => resolve('heard');
      });
      const what = await within(Promise.race([heard, closed]), 10_000);
      if (what === 'closed') return;
      if (what === undefined) throw new Error(`the server says nothing more than ${this.lines.join(' ')}`);
    }
  }

  #read(bytes: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    for (;;) {
      const end = this.#buffer.indexOf('\r\n');
      if (end < 0) break;
      const line = this.#buffer.subarray(0, end).toString();
      const size = /^H?MSG /.test(line) ? Number(line.split(' ').at(-1)) : undefined;
      const after = end + 2 + (size === undefined ? 0 : size + 2);
      if (this.#buffer.length < after) break;
      this.#take(line, this.#buffer.subarray(end + 2, Math.max(end + 2, after - 2)).toString());
      this.#buffer = this.#buffer.subarray(after);
    }
    this.#heard();
  }

  #take(line: string, text: string): void {
    if (line === 'PING') this.stream.write('PONG\r\n');
    else if (line.startsWith('INFO ')) this.info = JSON.parse(line.slice(5));
    else if (/^H?MSG /.test(line)) this.messages.push({ subject: line.split(' ')[1] ?? '', text });
    else this.lines.push(line);
  }
}

/** An nkey of nobody, as clients make one. */
export function newNkey(): { readonly seed: Uint8Array; readonly nkey: string } {
  const pair = nkeys.createUser();
  return { seed: pair.getSeed(), nkey: pair.getPublicKey() };
}
