import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Logger } from 'pino';
import type { Dialect } from '../../events/signing/receipts.js';
import { why } from '../runtime/why.js';
import type { Admission } from './admission.js';
import { type Answer, refusedWith } from './answers.js';
import { shown } from './faults.js';
import { Connections } from './http-connections.js';
import { type Address, Listener } from './http-listener.js';
import { type Body, guessDialect, mayBeJson, operationAt, pathOf, readBody } from './http-request.js';
import { inviteInHost, type Proxies, sourceOf } from './http-source.js';
import type { GatewayFace } from './lanes.js';
import { newRequestId } from './request-log.js';
import type { Operation } from './requests.js';
import { comeAgain } from './rust.js';

/**
 * The HTTP door: TEOS over HTTP for the clients of both generations that exist (teos-protocol A3 to A8).
 *
 *   client --POST /register, /add_appointment, /get_appointment, ...--> HTTP door --> Gateway
 *          --GET /ping----------------------------------------------->
 *
 * It translates and decides nothing, and none of its answers hurts a client that exists (D3, D4): every one is JSON, none
 * comes before a request was read to its end, and while the tower cannot accept there is no connection to be had.
 */
export class HttpDoor {
  readonly #server: Server;
  readonly #listener: Listener;
  readonly #connections: Connections;
  /** Gives up waiting for the answer to a request, for each that is under way. */
  readonly #giveUps = new Set<() => void>();

  constructor(private readonly needs: HttpDoorNeeds) {
    const { tls, admission, log, patience = PATIENCE } = needs;
    // The time a request may take is measured by the connections, also while nobody listens.
    const options = { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS, requireHostHeader: false };
    this.#server = tls
      ? createTlsServer({ ...options, ...tls, handshakeTimeout: patience.requestMs })
      : createServer(options);
    this.#server.on('request', (request, response) => void this.#take(request, response));
    this.#server.on('checkExpectation', (...wonders) => this.#server.emit('request', ...wonders));
    this.#connections = new Connections(this.#server, tls !== undefined, admission, patience.requestMs);
    this.#listener = new Listener(this.#server, needs.address, log);
  }

  /** Where it listens, or listened last. */
  get address(): Address {
    return this.#listener.address;
  }

  /** Rejects with `ListenError` if it cannot listen on its address. */
  async open(): Promise<void> {
    const { admission } = this.needs;
    await this.#listener.open();
    admission.add((open) => (open ? this.#listener.appear() : this.#listener.vanish()));
    admission.review();
  }

  /** Resolves when nobody is inside any more; the admission has to be closed before. */
  async close(): Promise<void> {
    await this.#listener.gone();
    const late = setTimeout(() => {
      for (const giveUp of this.#giveUps) giveUp();
    }, LAST_ANSWER_MS);
    await this.#connections.end();
    clearTimeout(late);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { log, admission } = this.needs;
    const id = newRequestId();
    try {
      await this.#connections.turn(request);
      const answer = await this.#answer(request, id);
      if (answer !== 'pong' && !answer.relayed) admission.answered(answer.reason);
      await this.#listener.steady();
      if (answer === 'pong') this.#send(response, 200, {});
      else this.#send(response, answer.status, headersOf(answer, pathOf(request), id), JSON.stringify(answer.body));
    } catch (error) {
      // Nobody is there to be answered.
      log.debug({ ...why(error), path: shown(pathOf(request)), request: id }, 'an HTTP request broke off');
      response.destroy();
    }
  }

  /** Rejects only if the client goes away before its request was read. */
  async #answer(request: IncomingMessage, id: string): Promise<Answer | 'pong'> {
    const path = pathOf(request);
    const operation = operationAt(path);
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    if (path === '/ping' && isGet) return 'pong';
    const body = await readBody(request, operation ? this.needs.gateway.mostBytes(operation) : 0);
    if (path === '/ping') return noSuch(405, 'This path takes GET only');
    if (!operation) return noSuch(404, 'There is nothing at this path');
    if (request.method !== 'POST') return noSuch(405, 'This path takes POST only');
    return this.#serve(operation, request, body, id);
  }

  async #serve(operation: Operation, request: IncomingMessage, body: Body, id: string): Promise<Answer> {
    const { headers, socket } = request;
    const { gateway, dialect: fixed, proxies, log, patience = PATIENCE } = this.needs;
    const dialect = fixed ?? guessDialect(headers, body.bytes);
    const who = { dialect, id };
    if (!mayBeJson(headers)) return gateway.refuse(operation, { kind: 'wrong-content-type' }, who);
    if (!body.isWhole) return gateway.refuse(operation, { kind: 'too-long', most: gateway.mostBytes(operation) }, who);
    const source = sourceOf(socket.remoteAddress, headers['x-forwarded-for'], proxies);
    const caller = { dialect, certain: fixed !== undefined, source, invite: inviteInHost(headers.host), id };
    const answer = gateway.serve(operation, body.bytes, caller).catch((error) => {
      log.error({ err: error, operation, request: id }, 'a request was not understood by the tower');
      return refusedWith('unavailable', comeAgain);
    });
    return this.#inTime(answer, patience.answerMs);
  }

  /** An answer; or, if it takes too long or the tower stops, the advice to come again. */
  #inTime(answer: Promise<Answer>, ms: number): Promise<Answer> {
    return new Promise((resolve) => {
      const giveUp = () => resolve(refusedWith('unavailable', comeAgain));
      const timer = setTimeout(giveUp, ms);
      this.#giveUps.add(giveUp);
      void answer.then((given) => {
        clearTimeout(timer);
        this.#giveUps.delete(giveUp);
        resolve(given);
      });
    });
  }

  #send(response: ServerResponse, status: number, headers: Record<string, string>, body = ''): void {
    const closing: Record<string, string> = this.needs.admission.isOpen ? {} : { connection: 'close' };
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body), ...closing });
    response.end(body);
  }
}

const headersOf = ({ reason, status, retryMs }: Answer, path: string, id: string): Record<string, string> => ({
  'content-type': 'application/json',
  'x-request-id': id,
  // The bodies are those of the towers that exist; this is for who wants to know more.
  ...(reason && { 'argus-reason': reason }),
  ...(retryMs !== undefined && { 'retry-after': String(Math.ceil(retryMs / 1000)) }),
  ...(status === 405 && { allow: path === '/ping' ? 'GET, HEAD' : 'POST' }),
});

const noSuch = (status: number, text: string): Answer => refusedWith('malformed-request', { status, code: 6, text });

export interface HttpDoorNeeds {
  readonly gateway: GatewayFace;
  readonly admission: Admission;
  readonly address: Address;
  /** The generation that alone uses this address; without it, it is guessed while the user is not known. */
  readonly dialect: Dialect | undefined;
  /** Those whose word is taken for where a request comes from. */
  readonly proxies: Proxies;
  /** PEM. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly patience?: Patience | undefined;
  readonly log: Logger;
}

export interface Patience {
  /** How long a client may take to send a whole request, in ms. */
  readonly requestMs: number;
  /** How long an answer may take before the client is told to come again, in ms. */
  readonly answerMs: number;
}

/** Less than the clients' own: the python plugin gives up after 30 s. */
const PATIENCE: Patience = { requestMs: 20_000, answerMs: 15_000 };
/** How long those inside wait for their answers when the door closes for good, in ms: less than a process takes to end. */
const LAST_ANSWER_MS = 4_000;
/** How long a connection may be idle between two requests. */
const KEEP_ALIVE_MS = 5_000;
