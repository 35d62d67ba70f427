import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Bitcoind } from '../../cli/servers/bitcoind.js';

/** One JSON-RPC call to bitcoind; gives its result. */
export type Call = (method: string, ...params: unknown[]) => Promise<unknown>;

/** bitcoind's JSON-RPC in the barest way: one HTTP connection that is kept open, and `JSON.parse`. */
export function bareRpc({ rpcUrl, cookieFile }: Bitcoind): { readonly call: Call; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const auth = readFileSync(cookieFile, 'utf8').trim();
  const call: Call = async (method, ...params) => {
    const body = JSON.stringify({ jsonrpc: '1.0', id: 0, method, params });
    const headers = { 'content-length': Buffer.byteLength(body) };
    const asked = request(rpcUrl, { method: 'POST', agent, auth, headers, timeout: 30_000 });
    asked.once('timeout', () => asked.destroy(new Error(`bitcoind: no answer to ${method} within 30 s`)));
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const { result, error } = JSON.parse(await text(answer));
    if (error) throw new Error(`bitcoind: ${method}: ${error.message}`);
    return result;
  };
  return { call, close: () => agent.destroy() };
}
