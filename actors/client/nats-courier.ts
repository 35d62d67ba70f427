import {
  type ConnectionOptions,
  ErrorCode,
  type Msg,
  type NatsConnection,
  NatsError,
  nkeyAuthenticator,
  nkeys,
} from 'nats';
import * as wire from '../wire.js';
import { type Courier, NotAnsweredError, type Reply } from './courier.js';

/**
 * What a client connects with, beside the servers: `connect({ servers, ...asClient() })`. A new nkey, which is no account anywhere:
 * it only makes sure that nobody else can listen where this connection is answered. `seed` (`SU...`) is for who wants to keep one.
 */
export function asClient(seed: Uint8Array = nkeys.createUser().getSeed()) {
  return {
    authenticator: nkeyAuthenticator(seed),
    inboxPrefix: wire.clientInbox(nkeys.fromSeed(seed).getPublicKey()),
    // While no node of the tower is up, nobody is let in; that passes.
    ignoreAuthErrorAbort: true,
  } satisfies ConnectionOptions;
}

/** To a tower over NATS, on a connection that was made `asClient`; it stays the caller's. */
export function overNats(nc: NatsConnection): Courier {
  return {
    async ask(operation, body, timeoutMs) {
      try {
        return replyOf(await nc.request(wire.publicSubjects[operation], JSON.stringify(body), { timeout: timeoutMs }));
      } catch (cause) {
        if (cause instanceof NotAnsweredError) throw cause;
        const code = cause instanceof NatsError ? cause.code : undefined;
        const isForbidden = code === ErrorCode.PermissionsViolation;
        const unheard = isForbidden || code === ErrorCode.NoResponders;
        throw new NotAnsweredError(isForbidden ? FORBIDDEN : unheard ? 'no tower listens' : 'no answer', unheard, {
          cause,
        });
      }
    },
  };
}

const FORBIDDEN = 'the server does not let this connection ask the tower: connect with asClient()';

/** An answer of the NATS door. Throws `NotAnsweredError` if it is not JSON. */
export function replyOf(message: Msg): Reply {
  const status = Number(message.headers?.get(wire.ERROR_CODE_HEADER) || 200);
  try {
    const json: unknown = message.json();
    return { status, json, reason: wire.ErrorAnswer.safeParse(json).data?.reason };
  } catch (cause) {
    throw new NotAnsweredError('the answer is not JSON', false, { cause });
  }
}
