import type { Server, ServerResponse } from 'node:http';
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
    server.on('request', ({ socket }, response) => this.#answerOn(socket, response));
    server.on('clientError', (error: Error & { code?: string }, socket: Socket) => this.#broken(error.code, socket));
  }

  /** A request was read to its end: from now on it is the tower that takes time. */
  heard(socket: Socket): void {
    const connection = this.#sockets.get(socket);
    if (!connection) return;
    clearTimeout(connection.deadline);
    connection.answering = true;
  }

  /** Resolves when all are gone. Who has sent a request is answered; who does not send one soon is cut. */
  async end(): Promise<void> {
    for (const [socket, { answering }] of this.#sockets) if (!answering) this.#expect(socket, LAST_MS);
    if (this.#sockets.size > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
  }

  #came(socket: Socket): void {
    this.#sockets.set(socket, { answering: false, deadline: undefined });
    this.#expect(socket, this.requestMs);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(this.#sockets.get(socket)?.deadline);
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#whenEmpty();
    });
  }

  #answerOn(socket: Socket, response: ServerResponse): void {
    const connection = this.#sockets.get(socket);
    if (!connection) return;
    response.on('finish', () => {
      connection.answering = false;
      this.#expect(socket, this.requestMs);
    });
  }

  /** From now on so many ms are left for a request to arrive whole. */
  #expect(socket: Socket, ms: number): void {
    const connection = this.#sockets.get(socket);
    if (!connection) return;
    clearTimeout(connection.deadline);
    connection.deadline = setTimeout(() => say(socket, comeAgain), ms);
  }

  #broken(code: string | undefined, socket: Socket): void {
    // Whatever follows a request that was read, its answer is still to come.
    if (this.#sockets.get(socket)?.answering) return;
    if (code === 'HPE_INVALID_EOF_STATE') say(socket, comeAgain);
    else if (code === 'HPE_HEADER_OVERFLOW') say(socket, { status: 431, code: 6, text: 'The header is too long' });
    else say(socket, { status: 400, code: 6, text: 'This is not HTTP' });
  }
}

interface Connection {
  /** Whether a request on it was read that is not answered yet. */
  answering: boolean;
  deadline: NodeJS.Timeout | undefined;
}

/** What is left to a connection without a request when the door closes for good. */
const LAST_MS = 2_000;

const STATUS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
};

/** Writes an answer where there is no request to answer, and ends the connection. */
function say(socket: Socket, told: Told): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status, body } = refusedWith('malformed-request', told);
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} ${STATUS[status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
  socket.destroySoon();
}
