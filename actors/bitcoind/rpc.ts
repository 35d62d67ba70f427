import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import Client from 'bitcoin-core';
import { BitcoindUnauthorized, BitcoindUnreachable, failureOf } from './rpc-errors.js';

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

  /**
   * The `result` of one call with positional parameters. Rejects with one of the classes of `rpc-errors.ts`.
   * `bitcoin-core` gives a number that is longer than 15 characters as a string.
   */
  async call(method: string, ...params: unknown[]): Promise<unknown> {
    const { client, secret } = this.#client ?? (await this.#login());
    try {
      return await client.command(method, ...params);
    } catch (cause) {
      const failure = failureOf(method, cause);
      if (!(failure instanceof BitcoindUnauthorized)) throw failure;
      const fresh = await this.#login(); // bitcoind may have started anew, with another cookie
      if (fresh.secret === secret) throw failure;
      return fresh.client.command(method, ...params).catch((again: unknown) => {
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

/** Calls go through our agent, and never through a proxy that HTTP_PROXY names. */
function tune(client: Client, agent: Agent): void {
  const post = client.request.postAsync;
  // What arrives here is an object of options; the library's types call it a string.
  client.request.postAsync = (options) => post(Object.assign({}, options, { agent, proxy: null }));
}
