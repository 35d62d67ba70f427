import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { why } from '../runtime/why.js';
import type { WebToken } from '../web-token.js';
import { type Asset, readAssets } from './assets.js';
import { cookieOf, FRESH, HEADERS, NOT_LET_IN } from './headers.js';

/** What a question of the page is answered with: JSON, or why not; `status` is an HTTP status. */
export class WebError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface WebDoorNeeds {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly token: WebToken;
  /** What the page asks, by path; rejects with `WebError` for what it asks wrongly. */
  readonly questions: Readonly<Record<string, (asked: URLSearchParams) => Promise<object>>>;
  /** Takes a browser that wants to be told of everything; false if there are too many. */
  readonly follow: (response: ServerResponse) => boolean;
  readonly log: Logger;
}

/**
 * The WebDoor: the operator's page, read only, for whoever has the token of this node's folder.
 *
 *   GET /login?token=...   lets a browser in (a cookie that scripts do not see), and leads to the page
 *   GET /                  the page, and its files
 *   GET /api/...           what the page asks: JSON
 *   GET /api/live          what happens, as it happens (server-sent events)
 *
 * Who was not let in is told how to be, and nothing else. The page needs nothing from anywhere else, and its headers forbid it.
 */
export class WebDoor {
  readonly #server = createServer({ connectionsCheckingInterval: CHECK_MS, maxHeaderSize: 8192 }, (...both) =>
    this.#serve(...both),
  );
  readonly #assets: ReadonlyMap<string, Asset> = readAssets();
  #url: string | undefined;

  constructor(private readonly needs: WebDoorNeeds) {
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.requestTimeout = REQUEST_MS;
    this.#server.headersTimeout = REQUEST_MS;
    this.#server.timeout = IDLE_MS;
  }

  /** `http://127.0.0.1:9816`; undefined unless it is open. */
  get url(): string | undefined {
    return this.#url;
  }

  /** A page that cannot be shown is no reason for a tower not to work: that is logged. */
  async open(): Promise<void> {
    const { host, port, log } = this.needs;
    const name = host.includes(':') ? `[${host}]` : host;
    try {
      this.#server.listen({ host, port });
      await once(this.#server, 'listening');
    } catch (cause) {
      log.warn({ ...why(cause), address: `${name}:${port}` }, 'the web page is not shown (see web.listen)');
      return;
    }
    const bound = this.#server.address();
    this.#url = `http://${name}:${bound && typeof bound === 'object' ? bound.port : port}`;
    log.info({ url: this.#url }, 'showing the web page');
    if (!LOOPBACK.test(host)) log.warn({ url: this.#url }, 'the web page is shown beyond this machine, without TLS');
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#answer(request, response).catch((error) => {
      if (!(error instanceof WebError)) this.needs.log.warn(why(error), 'a question of the web page is not answered');
      const { status, message } = error instanceof WebError ? error : UNANSWERED;
      if (response.headersSent) response.destroy();
      else send(response, status, 'application/json', JSON.stringify({ error: message }));
    });
  }

  async #answer({ method, url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { token, questions, follow } = this.needs;
    if (method !== 'GET' && method !== 'HEAD') return send(response, 405, PLAIN, 'only GET\n', { Allow: 'GET, HEAD' });
    const [path = '', query] = url.split('?', 2);
    const asked = new URLSearchParams(query);
    const asset = this.#assets.get(path);
    if (path === '/style.css' && asset) return send(response, 200, asset.type, asset.bytes);
    if (path === '/login' && token.isToken(asked.get('token') ?? ''))
      return send(response, 303, PLAIN, '', { Location: '/', 'Set-Cookie': this.#cookie() });
    if (path === '/login' || !token.isSession(cookieOf(headers.cookie, this.#cookieName)))
      return send(response, 401, HTML, NOT_LET_IN);
    if (asset) return send(response, 200, asset.type, asset.bytes);
    if (path === '/api/live') {
      if (!follow(response)) throw new WebError(503, 'too many pages are open: close some');
      return;
    }
    const question = path.startsWith('/api/') && Object.hasOwn(questions, path.slice(5)) && questions[path.slice(5)];
    if (!question) throw new WebError(404, 'there is no such thing');
    send(response, 200, 'application/json', JSON.stringify(await question(asked)));
  }

  /** Of this port: browsers give a machine's cookies to all of its ports, and another node may be at one of them. */
  get #cookieName(): string {
    return `argus_${new URL(this.#url ?? 'http://localhost').port || '80'}`;
  }

  #cookie(): string {
    return `${this.#cookieName}=${this.needs.token.session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${SESSION_SECONDS}`;
  }
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...HEADERS, ...FRESH, 'Content-Type': type, ...more });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

const UNANSWERED = new WebError(500, 'the question could not be answered; the log says why');
const LOOPBACK = /^(127\.|::1$|localhost$)/;
const PLAIN = 'text/plain; charset=utf-8';
const HTML = 'text/html; charset=utf-8';
const MOST_CONNECTIONS = 64;
const SESSION_SECONDS = 30 * 86_400;
/** How long a request may take to arrive, in ms. */
const REQUEST_MS = 5_000;
const CHECK_MS = 1_000;
/** How long nothing may move on a connection, in ms: longer than any answer takes. */
const IDLE_MS = 90_000;
