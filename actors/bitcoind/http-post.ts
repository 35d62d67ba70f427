import { type Agent, type IncomingMessage, request } from 'node:http';
import { request as requestOverTls } from 'node:https';

export interface HttpAnswer {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

export interface Post {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly body: string;
  readonly agent: Agent;
  /** How long the other side may be silent, in ms, be it while the connection is made or while it answers. */
  readonly timeoutMs: number;
}

/**
 * One POST over HTTP, over one of the agent's connections, past any proxy; a redirect is an answer like any other. Rejects when
 * no whole answer comes: an answer that never ends is given up when there is too much of it, or it took too long in all.
 */
export function post({ url, user, password, body, agent, timeoutMs }: Post): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { method: 'POST', auth: `${user}:${password}`, agent, headers, timeout: timeoutMs };
    const ask = url.startsWith('https:') ? requestOverTls : request;
    const asked = ask(url, options, (answer) => {
      receive(answer).then(resolve, reject);
    });
    const giveUp = () => asked.destroy(new TypeError('an answer that does not end'));
    const timer = setTimeout(giveUp, PATIENCE * timeoutMs);
    asked.on('close', () => clearTimeout(timer));
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    asked.on('error', reject);
    asked.end(body);
  });
}

function receive(answer: IncomingMessage): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    answer.on('data', (chunk) => {
      size += chunk.length;
      if (size > LONGEST_ANSWER) answer.destroy(new TypeError(`an answer of more than ${LONGEST_ANSWER} bytes`));
      else chunks.push(chunk);
    });
    answer.on('error', reject);
    answer.on('close', () => reject(new TypeError('an answer that broke off')));
    answer.on('end', () => {
      const { statusCode = 0, statusMessage = '', headers } = answer;
      resolve({ statusCode, statusMessage, headers, body: Buffer.concat(chunks).toString() });
    });
  });
}

/** Ten full blocks and more, or a mempool of millions; no text in this process could be twice as long. */
const LONGEST_ANSWER = 256 * 1024 * 1024;
/** How many times as long as it may be silent an answer may take in all. */
const PATIENCE = 10;
