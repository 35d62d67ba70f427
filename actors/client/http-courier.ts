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
        return { status: response.status, json: await response.json(), reason };
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
