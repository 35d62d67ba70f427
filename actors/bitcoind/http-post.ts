import { type Agent, type IncomingMessage, request } from 'node:http';

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

/** One POST over HTTP, over one of the agent's connections, past any proxy. Rejects when no whole answer comes. */
export function post({ url, user, password, body, agent, timeoutMs }: Post): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { method: 'POST', auth: `${user}:${password}`, agent, headers, timeout: timeoutMs };
    const asked = request(url, options, (answer) => {
      receive(answer).then(resolve, reject);
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    asked.on('error', reject);
    asked.end(body);
  });
}

function receive(answer: IncomingMessage): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk) => chunks.push(chunk));
    answer.on('error', reject);
    answer.on('end', () => {
      const { statusCode = 0, statusMessage = '', headers } = answer;
      resolve({ statusCode, statusMessage, headers, body: Buffer.concat(chunks).toString() });
    });
  });
}
