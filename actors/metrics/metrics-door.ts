import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { why } from '../runtime/why.js';

/** What a program that looks after the node is told. */
interface Said {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

export interface MetricsDoorNeeds {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  /** How far the node is: it can be used when this is `ready`. */
  readonly state: () => string;
  readonly isConnected: () => boolean;
  readonly log: Logger;
}

const PLAIN = 'text/plain; charset=utf-8';
const said = (status: number, text: string, type = PLAIN): Said => ({ status, type, text });

/**
 * The MetricsDoor: how a node is, over HTTP, for programs that look after it. From the node's first moment to its last.
 *
 *   GET /metrics   the node in numbers, as Prometheus reads them
 *   GET /health    200 as long as the process works
 *   GET /ready     200 if the node is level with the log and connected to NATS, else 503 and why not
 */
export class MetricsDoor {
  readonly #server = createServer({ connectionsCheckingInterval: CHECK_MS }, (...both) => void this.#serve(...both));
  #rendering: Promise<string> | undefined;
  #url = '';

  constructor(private readonly needs: MetricsDoorNeeds) {
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.requestTimeout = REQUEST_MS;
    this.#server.headersTimeout = REQUEST_MS;
    // Also who does not take an answer holds its place for no longer.
    this.#server.timeout = IDLE_MS;
  }

  /** `http://127.0.0.1:9815`; empty before it is open. */
  get url(): string {
    return this.#url;
  }

  /** Rejects with `MetricsAddressError` if it cannot listen on its address. */
  async open(): Promise<void> {
    const { host, port } = this.needs;
    const name = host.includes(':') ? `[${host}]` : host;
    try {
      this.#server.listen({ host, port });
      await once(this.#server, 'listening');
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause ? cause.code : cause;
      const text = reason === 'EADDRINUSE' ? 'another program listens there' : String(reason);
      throw new MetricsAddressError(`cannot listen on ${name}:${port}: ${text} (see metrics.listen)`, { cause });
    }
    const bound = this.#server.address();
    this.#url = `http://${name}:${bound && typeof bound === 'object' ? bound.port : port}`;
    this.needs.log.info({ url: this.#url }, 'showing metrics');
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, text } = await this.#answer(method, url.split('?', 1)[0]);
    response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store', ...(status === 405 && ALLOW) });
    response.end(method === 'HEAD' ? undefined : text);
  }

  /** Whoever asks while the numbers are being gathered gets the same. */
  #render(): Promise<string> {
    this.#rendering ??= this.needs.metrics.render().finally(() => {
      this.#rendering = undefined;
    });
    return this.#rendering;
  }

  async #answer(method: string | undefined, path: string | undefined): Promise<Said> {
    if (method !== 'GET' && method !== 'HEAD') return said(405, 'only GET\n');
    const { metrics, state, isConnected, log } = this.needs;
    switch (path) {
      case '/metrics':
        try {
          return said(200, await this.#render(), metrics.contentType);
        } catch (error) {
          log.warn(why(error), 'metrics could not be read');
          return said(500, 'the metrics could not be read; the log says why\n');
        }
      case '/health':
        return said(200, 'ok\n');
      case '/ready':
        if (state() !== 'ready') return said(503, `${state()}\n`);
        return isConnected() ? said(200, 'ready\n') : said(503, 'no connection to NATS\n');
      default:
        return said(404, 'there are /metrics, /health and /ready\n');
    }
  }
}

/** The address of the metrics cannot be listened on; the message says which, and why. */
export class MetricsAddressError extends Error {
  readonly code = 'metrics-address';
}

const ALLOW = { Allow: 'GET, HEAD' };
const MOST_CONNECTIONS = 64;
/** How long a request may take to arrive, in ms. */
const REQUEST_MS = 5_000;
const CHECK_MS = 1_000;
/** How long nothing may move on a connection, in ms: longer than any answer takes. */
const IDLE_MS = 30_000;
