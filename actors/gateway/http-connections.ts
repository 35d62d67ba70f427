import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Admission } from './admission.js';
import { refusedWith } from './answers.js';
import type { Told } from './dialect.js';
import { comeAgain } from './rust.js';

/**
 * The connections of an HTTP server: counted, each request on them given so much time to arrive, and each told why before it
 * is cut. What cannot be read as HTTP has no generation, so the answer is one that neither takes amiss.
 */
export class Connections {
  readonly #sockets = new Map<Socket, Connection>();
  #whenEmpty: () => void = () => {};

  constructor(
    server: Server,
    tls: boolean,
    admission: Admission,
    /** How long a request may take to arrive, in ms. */
    private readonly requestMs: number,
  ) {
    server.on('connection', (socket) => {
      admission.entered();
      socket.on('close', () => admission.left());
    });
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => this.#came(socket));
    server.on('request', (request, response) => this.#asked(request, response));
    server.on('clientError', (error: Error & { code?: string }, socket: Socket) => this.#broken(error.code, socket));
    // A client may say that it has no more to say, and wait for the answer.
    Object.assign(server, { httpAllowHalfOpen: true });
  }

  /** Resolves when all are gone. Who has sent a request is answered; who does not send one soon is cut. */
  async end(): Promise<void> {
    for (const socket of this.#sockets.keys()) if (!this.#isAnswering(socket)) this.#expect(socket, LAST_MS);
    if (this.#sockets.size > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }

  #came(socket: Socket): void {
    this.#sockets.set(socket, { unanswered: new Set(), last: false, deadline: undefined });
    this.#expect(socket, this.requestMs);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(this.#sockets.get(socket)?.deadline);
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#whenEmpty();
    });
  }

  #asked(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const connection = this.#sockets.get(socket);
    if (!connection) return;
    connection.unanswered.add(request);
    // From then on it is the tower that takes time.
    request.on('end', () => clearTimeout(connection.deadline));
    response.on('close', () => {
      connection.unanswered.delete(request);
      if (connection.unanswered.size > 0) return;
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
    connection.deadline = setTimeout(() => {
      if (!this.#isAnswering(socket)) this.#cut(socket, comeAgain);
    }, ms);
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
  /** Whether nothing that comes now is heard any more. */
  last: boolean;
  deadline: NodeJS.Timeout | undefined;
}

/** What is left to a connection without a request when the door closes for good. */
const LAST_MS = 2_000;
/** How long a client may go on sending when it has been told its last. */
const LEAVE_MS = 5_000;

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
  const timer = setTimeout(() => socket.destroy(), LEAVE_MS);
  socket.on('close', () => clearTimeout(timer));
  socket.on('end', () => socket.destroySoon());
  if (socket.readableEnded) socket.destroySoon();
  else socket.end().resume();
}
