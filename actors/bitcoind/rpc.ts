import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import Client from 'bitcoin-core';
import { BitcoindRefused, BitcoindUnauthorized, BitcoindUnreachable, failureOf } from './rpc-errors.js';

/** Where a bitcoind is and how it knows us. */
export interface BitcoindAccess {
  /** Its RPC, such as `http://127.0.0.1:8332`. */
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
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CALLS_AT_ONCE });
  #client: { readonly client: Client; readonly secret: string } | undefined;

  constructor(access: BitcoindAccess) {
    this.#access = access;
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
    const results = await this.#ask(method, (client) => client.command<unknown[]>(commands));
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
    const [username, password] = await this.#credentials();
    const client = new Client({ host: url, username, password, timeout: timeoutMs, logger: SILENT });
    tune(client, this.#agent);
    this.#client = { client, secret: `${username}:${password}` };
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
 * Calls go through our agent, and never through a proxy that HTTP_PROXY names. Answers are read by `JSON.parse`: the
 * library's own parser, which saves whole numbers beyond 2^53 that bitcoind never gives, takes longer over a block than
 * bitcoind does. They are received by listening rather than by a callback: of what goes to a callback the library's logger
 * makes a copy, which takes as long again, and throws where nobody can catch it over a batch whose answers have no ids.
 */
function tune(client: Client, agent: Agent): void {
  // The library's types leave out `post`, and call the options that arrive here a string.
  const request = client.request as Client['request'] & { post(options: object): Readable };
  request.postAsync = (options) => receive(request.post(Object.assign({}, options, { agent, proxy: null })));
  client.parser.rpc = (response: HttpAnswer) => read(response);
}

function receive(post: Readable): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let answer: Omit<HttpAnswer, 'body'> | undefined;
    post.on('error', reject);
    post.on('response', (response) => {
      answer = response;
    });
    post.on('data', (chunk) => chunks.push(chunk));
    post.on('end', () => {
      if (!answer) return reject(new TypeError('an answer that ended before it began'));
      const { statusCode, statusMessage, headers } = answer;
      resolve({ statusCode, statusMessage, headers, body: Buffer.concat(chunks).toString() });
    });
  });
}

/** What `bitcoin-core` hands to its parser. */
interface HttpAnswer {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
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
