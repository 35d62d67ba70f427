import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Admission } from './admission.js';
import { refusedWith } from './answers.js';
import type { Told } from './dialect.js';
import { comeAgain } from './rust.js';

/**
 * The connections of an HTTP server: counted, each request on them given so much time to arrive, each answer so much to be
 * taken, and each told why before it is cut. What cannot be read as HTTP has no generation, so the answer is one that neither
 * takes amiss.
 *
 * When there are as many as may be, nobody new is let in: then who has not asked for anything within a moment is cut, so that
 * nobody shuts the door by saying nothing. What one source alone may hold is the Admission's to say.
 */
export class Connections {
  readonly #sockets = new Map<Socket, Connection>();
  /** Those that are not through with TLS yet, by the client's address and port, and since when. */
  readonly #shaking = new Map<string, { readonly socket: Socket; readonly since: number }>();
  #isEnding = false;
  #whenEmpty: () => void = () => {};
  #sweep: NodeJS.Timeout | undefined;

  constructor(
    private readonly server: Server,
    tls: boolean,
    private readonly admission: Admission,
    /** How long a request may take to arrive, in ms. */
    private readonly requestMs: number,
  ) {
    server.on('connection', (socket) => this.#entered(socket, tls));
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => this.#came(socket));
    server.on('request', (request, response) => this.#asked(request, response));
    server.on('clientError', (error: Error & { code?: string }, socket: Socket) => this.#broken(error.code, socket));
    // A client may say that it has no more to say, and wait for the answer.
    Object.assign(server, { httpAllowHalfOpen: true });
  }

  /** Resolves when all are gone. Who has sent a request is answered; who does not send one soon is cut. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const late = setTimeout(() => {
      // Who has been answered and rests would take what it is told for the answer to its next request.
      this.server.closeIdleConnections();
      for (const { socket } of this.#shaking.values()) socket.destroy();
    }, LAST_MS);
    for (const socket of this.#sockets.keys()) if (!this.#isAnswering(socket)) this.#expect(socket, LAST_MS);
    if (!this.#isEmpty) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
    clearTimeout(late);
  }

  get #isEmpty(): boolean {
    return this.#sockets.size + this.#shaking.size === 0;
  }

  /**
   * Resolves when a request is to be read: at once, unless as many that came before it on its connection are not answered yet.
   * Until then the connection is not listened to.
   */
  async turn(request: IncomingMessage): Promise<void> {
    const connection = this.#sockets.get(request.socket);
    if (!connection || connection.unanswered.size <= MOST_AT_ONCE) return;
    hold(request.socket);
    await new Promise<void>((resolve) => connection.waiting.push(resolve));
  }

  #entered(socket: Socket, tls: boolean): void {
    const { remoteAddress: address } = socket;
    if (!this.admission.entered(address)) return void socket.destroy();
    socket.on('close', () => this.admission.left(address));
    this.#sweep ??= setInterval(() => this.#look(performance.now()), LOOK_MS).unref();
    if (!tls) return;
    const name = nameOf(socket);
    this.#shaking.set(name, { socket, since: performance.now() });
    socket.on('close', () => {
      this.#shaking.delete(name);
      if (this.#isEmpty) this.#whenEmpty();
    });
  }

  #came(socket: Socket): void {
    if (socket.destroyed) return;
    this.#shaking.delete(nameOf(socket));
    const waiting: Connection['waiting'] = [];
    this.#sockets.set(socket, {
      unanswered: new Set(),
      waiting,
      last: false,
      deadline: undefined,
      ...expected(socket),
    });
    this.#expect(socket, this.#isEnding ? LAST_MS : this.requestMs);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(this.#sockets.get(socket)?.deadline);
      this.#sockets.delete(socket);
      for (const goOn of waiting.splice(0)) goOn();
      if (this.#isEmpty) this.#whenEmpty();
    });
  }

  #asked(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const connection = this.#sockets.get(socket);
    if (!connection) return;
    connection.unanswered.add(request);
    // From then on it is the tower that takes time.
    request.on('end', () => {
      // What nobody reads ends after its answer, when another one is waited for already.
      if (connection.unanswered.has(request)) clearTimeout(connection.deadline);
    });
    response.on('close', () => {
      connection.unanswered.delete(request);
      connection.waiting.shift()?.();
      if (connection.waiting.length === 0) letGo(socket);
      if (this.#isAnswering(socket)) return;
      if (connection.last) takeLeave(socket);
      else this.#expect(socket, this.requestMs);
    });
  }

  /** Whether a request was read to its end that is not answered yet. */
  #isAnswering(socket: Socket): boolean {
    return Array.from(this.#sockets.get(socket)?.unanswered ?? []).some(({ complete }) => complete);
  }

  /** From now on so many ms are left for a request to arrive whole. */
  #expect(socket: Socket, ms: number): void {
    const connection = this.#sockets.get(socket);
    if (!connection || connection.last) return;
    clearTimeout(connection.deadline);
    Object.assign(connection, expected(socket));
    connection.deadline = setTimeout(() => {
      if (!this.#isAnswering(socket)) this.#cut(socket, comeAgain);
    }, ms);
  }

  /** Ends what holds a place for nothing. */
  #look(now: number): void {
    const { isCrowded } = this.admission;
    if (this.#isEmpty) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    }
    for (const { socket, since } of this.#shaking.values()) if (isCrowded && now - since > CROWDED_MS) socket.destroy();
    for (const [socket, connection] of this.#sockets) {
      const { stuckSince = now } = connection;
      if (socket.writableLength === 0) connection.stuckSince = undefined;
      else if (now - stuckSince > this.requestMs) socket.destroy();
      else connection.stuckSince = stuckSince;
      if (!isCrowded || this.#isAnswering(socket) || now - connection.since < CROWDED_MS) continue;
      // Who rests is not told anything, either.
      const isIdle = socket.bytesRead > 0 && socket.bytesRead === connection.heard;
      if (isIdle || connection.last) socket.destroySoon();
      else this.#cut(socket, comeAgain);
      connection.since = now;
    }
  }

  #broken(code: string | undefined, socket: Socket): void {
    const mayBeSound = code === 'HPE_INVALID_EOF_STATE' || code === 'HPE_HEADER_OVERFLOW';
    this.#cut(socket, mayBeSound ? comeAgain : { status: 400, code: 6, text: 'This is not HTTP' });
  }

  /** Nothing more is understood on a connection. A request that was read before is still answered, instead of this. */
  #cut(socket: Socket, told: Told): void {
    const connection = this.#sockets.get(socket);
    if (!connection) return void socket.destroy();
    if (connection.last) return;
    connection.last = true;
    if (this.#isAnswering(socket)) return;
    say(socket, told);
    takeLeave(socket);
  }
}

interface Connection {
  readonly unanswered: Set<IncomingMessage>;
  /** Lets the requests that are not read yet go on, one by one. */
  readonly waiting: (() => void)[];
  /** Since when a request is waited for, and how many bytes had come by then. */
  since: number;
  heard: number;
  /** Since when answers wait for the client to take them. */
  stuckSince?: number | undefined;
  /** Whether nothing that comes now is heard any more. */
  last: boolean;
  deadline: NodeJS.Timeout | undefined;
}

const expected = (socket: Socket) => ({ since: performance.now(), heard: socket.bytesRead });
const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

/** How many requests of one connection are read before they are answered; no client that exists sends a second one. */
const MOST_AT_ONCE = 4;
/** How often it is looked who holds a place for nothing, in ms. */
const LOOK_MS = 500;
/** How long a client has for its request while nobody else is let in, in ms. */
const CROWDED_MS = 2_000;
/** What is left to a connection without a request when the door closes for good. */
const LAST_MS = 2_000;
/** How long a client may go on sending when it has been told its last. */
const LEAVE_MS = 5_000;

/** Reads no more of a connection. Whoever takes a body from it has the server resume it, so a pause alone lasts no moment. */
function hold(socket: Socket): void {
  socket.pause();
  socket.resume = () => socket;
}

function letGo(socket: Socket): void {
  if (!Object.hasOwn(socket, 'resume')) return;
  Reflect.deleteProperty(socket, 'resume');
  socket.resume();
}

/** Writes an answer where there is no request to answer. */
function say(socket: Socket, told: Told): void {
  const { status, body } = refusedWith('malformed-request', told);
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} ${status === 400 ? 'Bad Request' : 'Service Unavailable'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
}

/**
 * Ends a connection from our side, and listens on until the client does: what arrives after a socket is closed makes the
 * system reset it, and a reset takes the answer away from a client that has not read it yet.
 */
function takeLeave(socket: Socket): void {
  letGo(socket);
  const timer = setTimeout(() => socket.destroy(), LEAVE_MS);
  socket.on('close', () => clearTimeout(timer));
  socket.on('end', () => socket.destroySoon());
  if (socket.readableEnded) socket.destroySoon();
  else socket.end().resume();
}
