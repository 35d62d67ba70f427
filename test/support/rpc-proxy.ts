import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Cleanup } from './temp-dir.js';

/** A line to a bitcoind's RPC that a test can disturb: an HTTP proxy that knows what is asked for. */
export interface RpcProxy {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** What becomes of each request from now on; those before are not touched. */
  set(treatment: Treatment): void;
  /** The methods asked for so far, in order. */
  readonly asked: readonly string[];
}

/**
 * `pass`: to bitcoind. `cut`: the connection is ended, as if nobody were there. `hold`: accepted, and never answered.
 * `warm-up`: answered as a bitcoind does that is loading its index. A function is called first, with the method.
 */
export type Treatment = Mode | ((method: string) => Mode | Promise<Mode>);
export type Mode = 'pass' | 'cut' | 'hold' | 'warm-up';

/** RPC_IN_WARMUP, as bitcoind words it. */
const WARM_UP = { result: null, error: { code: -28, message: 'Loading block index…' }, id: null };

/** Starts a proxy before a bitcoind's RPC; it is gone after the test. */
export async function startRpcProxy(t: Cleanup, rpcUrl: string): Promise<RpcProxy> {
  let treatment: Treatment = 'pass';
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    void serve(incoming, response).catch(() => response.destroy());
  });
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const body = await text(incoming);
    const calls: { method: string }[] = [JSON.parse(body)].flat();
    const method = calls[0]?.method ?? '';
    asked.push(...calls.map((call) => call.method));
    const mode = typeof treatment === 'function' ? await treatment(method) : treatment;
    if (mode === 'cut') response.destroy();
    else if (mode === 'warm-up') answerWarmUp(response, calls.length, body.startsWith('['));
    else if (mode === 'pass') forward(rpcUrl, incoming, body, response);
  };
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new TypeError('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    set: (next) => {
      treatment = next;
    },
  };
}

function answerWarmUp(response: ServerResponse, count: number, isBatch: boolean): void {
  response.writeHead(isBatch ? 200 : 500, { 'content-type': 'application/json' });
  response.end(JSON.stringify(isBatch ? new Array(count).fill(WARM_UP) : WARM_UP));
}

function forward(rpcUrl: string, { method, headers }: IncomingMessage, body: string, response: ServerResponse): void {
  const onward = request(rpcUrl, { method, headers });
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  onward.end(body);
}
