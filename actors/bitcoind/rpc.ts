import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type Client from 'bitcoin-core';
import { type HttpAnswer, type Post, post } from './http-post.js';
import { BitcoindRefused, BitcoindUnauthorized, BitcoindUnreachable, failureOf } from './rpc-errors.js';

/** Where a bitcoind is and how it knows us. */
export interface BitcoindAccess {
  /** Its RPC, such as `http://127.0.0.1:8332`; `https:` where something before it speaks TLS. */
  readonly url: string;
  /** A user and password of its configuration, or the file in which it leaves a cookie, a new one at each start. */
  readonly auth: { readonly user: string; readonly password: string } | { readonly cookieFile: string };
  /** How long it may be silent before the call fails as unreachable, in ms; 30 s unless told. */
  readonly timeoutMs?: number;
}

/** How many calls are in flight at most; further ones wait here. bitcoind answers 503 when its queue of 16 (64 since 29) is full. */
const CALLS_AT_ONCE = 12;

/**
 * A bitcoind's JSON-RPC, and the one place that uses `bitcoin-core`. It says nothing about what an answer looks like:
 * whoever calls validates what it reads. Calls may be made at once; connections are kept open.
 */
export class BitcoindRpc {
  readonly #access: BitcoindAccess;
  readonly #agent: Agent;
  #client: { readonly client: Client; readonly secret: string } | undefined;

  constructor(access: BitcoindAccess) {
    this.#access = access;
    const kept = { keepAlive: true, maxSockets: CALLS_AT_ONCE };
    this.#agent = access.url.startsWith('https:') ? new TlsAgent(kept) : new Agent(kept);
  }

  /** Ends what is under way, which rejects. */
  close(): void {
    this.#agent.destroy();
  }

  /** The `result` of one call with positional parameters. Rejects with one of the classes of `rpc-errors.ts`. */
  async call(method: string, ...params: unknown[]): Promise<unknown> {
    return this.#ask(method, (client) => client.command(method, ...params));
  }

  /**
   * The results of many calls of one method, each given by its parameters, in their order and in one HTTP request: some
   * ten times as fast as one by one. A call that is refused gives its `BitcoindRefused` as its result; all else rejects.
   */
  async callMany(method: string, calls: readonly (readonly unknown[])[]): Promise<unknown[]> {
    if (calls.length === 0) return [];
    const commands = calls.map((parameters) => ({ method, parameters }));
    const results: unknown = await this.#ask(method, (client) => client.command<unknown[]>(commands));
    if (!Array.isArray(results) || results.length !== calls.length)
      throw new BitcoindUnreachable(`${method}: not as many answers as questions`);
    return results.map((result) => {
      if (!(result instanceof RpcFailure)) return result;
      const failure = failureOf(method, result);
      if (failure instanceof BitcoindRefused) return failure;
      throw failure;
    });
  }

  async #ask<T>(method: string, command: (client: Client) => Promise<T>): Promise<T> {
    const { client, secret } = this.#client ?? (await this.#login());
    try {
      return await command(client);
    } catch (cause) {
      const failure = failureOf(method, cause);
      if (!(failure instanceof BitcoindUnauthorized)) throw failure;
      const fresh = await this.#login(); // bitcoind may have started anew, with another cookie
      if (fresh.secret === secret) throw failure;
      return command(fresh.client).catch((again: unknown) => {
        throw failureOf(method, again);
      });
    }
  }

  async #login() {
    const { url, timeoutMs = 30_000 } = this.#access;
    const [user, password] = await this.#credentials();
    const { default: Client } = await import('bitcoin-core'); // takes a quarter of a second, and most commands ask no bitcoind
    const client = new Client({ host: url, username: user, password, timeout: timeoutMs, logger: SILENT });
    tune(client, { url, user, password, agent: this.#agent, timeoutMs });
    this.#client = { client, secret: `${user}:${password}` };
    return this.#client;
  }

  async #credentials(): Promise<[user: string, password: string]> {
    const { auth } = this.#access;
    if (!('cookieFile' in auth)) return [auth.user, auth.password];
    try {
      const [user = '', ...password] = (await readFile(auth.cookieFile, 'utf8')).trim().split(':');
      return [user, password.join(':')];
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT')
        throw new BitcoindUnauthorized(`the cookie file ${auth.cookieFile} cannot be read`, { cause });
      throw new BitcoindUnreachable(`no cookie file ${auth.cookieFile}: bitcoind is not running`, { cause });
    }
  }
}

/** Takes the place of `bitcoin-core`'s own logger, which would write to stdout. */
const SILENT = { debug: () => {} };

/**
 * Calls go by `post`, through our agent, rather than by the library's own HTTP client: that hands each to the system a turn of
 * the event loop later, has its logger make copies of what comes back, and takes a millisecond where breaches wait. Answers
 * are read by `JSON.parse`: the library's own parser, which saves whole numbers beyond 2^53 that bitcoind never gives, takes
 * longer over a block than bitcoind does.
 */
function tune(client: Client, to: Omit<Post, 'body'>): void {
  // The library's types call the options that arrive here a string.
  client.request.postAsync = (options: unknown) => post({ ...to, body: (options as Pick<Post, 'body'>).body });
  client.parser.rpc = (response: HttpAnswer) => read(response);
}

/** The result of a call, or of each of many, where an `RpcFailure` stands for one that failed. */
function read({ statusCode, statusMessage, headers, body }: HttpAnswer): unknown {
  if (headers['content-type'] !== 'application/json' && statusCode !== 200)
    throw new RpcFailure(statusCode, statusMessage);
  const answer: unknown = JSON.parse(body);
  if (Array.isArray(answer)) return answer.map((one) => resultOf(one));
  const result = resultOf(answer);
  if (result instanceof RpcFailure) throw result;
  return result;
}

function resultOf(answer: unknown): unknown {
  const { result, error } = answer as { result?: unknown; error?: { code?: number; message?: string } | null };
  if (error) return new RpcFailure(error.code ?? INTERNAL_ERROR, error.message ?? 'no reason given');
  return result === undefined ? new RpcFailure(undefined, 'an answer without a result') : result;
}

/** RPC_INTERNAL_ERROR */
const INTERNAL_ERROR = -32603;

/** What `failureOf` tells a class by: the code of JSON-RPC, or else the status of HTTP. */
class RpcFailure extends Error {
  constructor(
    readonly code: number | undefined,
    message: string,
  ) {
    super(message);
  }
}
