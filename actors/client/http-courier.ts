import { parseJson } from '../../events/json.js';
import { type Courier, NotAnsweredError } from './courier.js';

/** To a tower over HTTP, as TEOS clients reach it; `url` is such as `http://127.0.0.1:9814`. `info` is not to be had. */
export function overHttp(url: string): Courier {
  return {
    async ask(operation, body, timeoutMs) {
      try {
        const response = await fetch(new URL(operation, url.endsWith('/') ? url : `${url}/`), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(timeoutMs),
        });
        const reason = response.headers.get('argus-reason') ?? undefined;
        return { status: response.status, json: await jsonOf(response), reason };
      } catch (cause) {
        const refused = isRefused(cause);
        throw new NotAnsweredError(refused ? 'no tower listens' : 'no answer', refused, { cause });
      }
    },
  };
}

/** Whether the connection was refused, so that no request was sent. */
const isRefused = (error: unknown): boolean =>
  error instanceof Error &&
  error.cause instanceof Error &&
  'code' in error.cause &&
  error.cause.code === 'ECONNREFUSED';

/** The longest answer of a tower, in bytes: a subscription of a million appointments has some 70 MB. */
const LONGEST = 128 * 1024 * 1024;

/** What a tower answers is not the client's own: it is read as far as it may be long. */
async function jsonOf({ body }: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > LONGEST) throw new RangeError('the answer is too long');
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks));
}
