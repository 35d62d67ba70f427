import type { MsgHdrs } from 'nats';
import { z } from 'zod';
import { sourceOf as httpSourceOf, type Source } from './http-source.js';

/** The header in which a NATS server says whose request it brings into another account. It replaces what a client writes there. */
const HEADER = 'Nats-Request-Info';

const RequestInfo = z.object({ acc: z.string().max(200), host: z.string().max(100).optional() });

/**
 * Where a request over NATS comes from: the client's address, if the server shares it (`share` in `nats.conf`), else the
 * account that all clients share. Undefined where no account is said: it is the tower's own.
 */
export function sourceOf(headers: MsgHdrs | undefined): Source | undefined {
  const text = headers?.get(HEADER);
  if (!text) return undefined;
  const info = parsed(text);
  if (info?.host) return httpSourceOf(info.host, undefined, () => false);
  return { name: info ? `account ${info.acc}` : 'nobody knows where', isShared: true };
}

function parsed(text: string): z.infer<typeof RequestInfo> | undefined {
  try {
    return RequestInfo.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
