import type { MsgHdrs } from 'nats';
import { z } from 'zod';
import { sourceOf as httpSourceOf } from './http-source.js';

/** The header in which a NATS server says whose request it brings into another account. It replaces what a client writes there. */
const HEADER = 'Nats-Request-Info';

const RequestInfo = z.object({ acc: z.string().max(200), host: z.string().max(100).optional() });

/**
 * Where a request over NATS comes from: the client's address, if the server shares it (`share` in `nats.conf`), else the
 * account that all clients are in. Undefined where no account is said: it is the tower's own.
 */
export function sourceOf(headers: MsgHdrs | undefined): string | undefined {
  const text = headers?.get(HEADER);
  if (!text) return undefined;
  const info = parsed(text);
  if (!info) return 'nobody knows where';
  return info.host ? httpSourceOf(info.host, undefined, () => false) : `account ${info.acc}`;
}

function parsed(text: string): z.infer<typeof RequestInfo> | undefined {
  try {
    return RequestInfo.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
