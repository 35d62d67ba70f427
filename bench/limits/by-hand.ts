import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';

/** One JSON-RPC call to bitcoind; gives its result. */
export type Call = (method: string, ...params: unknown[]) => Promise<unknown>;

/** bitcoind's JSON-RPC, as whoever has nothing else to do would use it. */
export interface BareRpc {
  readonly call: Call;
  /** Many calls of one method in one HTTP request; rejects if any is refused. */
  callMany(method: string, calls: readonly (readonly unknown[])[]): Promise<unknown[]>;
  close(): void;
}

interface Answer {
  readonly result: unknown;
  readonly error?: { readonly message: string } | null;
}

/** bitcoind's JSON-RPC in the barest way: one HTTP connection that is kept open, and `JSON.parse`. */
export function bareRpc({ rpcUrl, cookieFile }: Bitcoind): BareRpc {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const auth = readFileSync(cookieFile, 'utf8').trim();
  const ask = async (method: string, question: unknown): Promise<unknown> => {
    const body = JSON.stringify(question);
    const headers = { 'content-length': Buffer.byteLength(body) };
    const asked = request(rpcUrl, { method: 'POST', agent, auth, headers, timeout: 30_000 });
    asked.once('timeout', () => asked.destroy(new Error(`bitcoind: no answer to ${method} within 30 s`)));
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return JSON.parse(await text(answer));
  };
  const resultOf = (method: string, { result, error }: Answer) => {
    if (error) throw new Error(`bitcoind: ${method}: ${error.message}`);
    return result;
  };
  const question = (method: string, params: readonly unknown[], id: number) => ({ jsonrpc: '1.0', id, method, params });
  return {
    call: async (method, ...params) => resultOf(method, (await ask(method, question(method, params, 0))) as Answer),
    callMany: async (method, calls) => {
      const answers = (await ask(
        method,
        calls.map((params, i) => question(method, params, i)),
      )) as Answer[];
      return answers.map((answer) => resultOf(method, answer));
    },
    close: () => agent.destroy(),
  };
}
