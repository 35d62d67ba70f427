/**
 * How a call to bitcoind can fail: three classes, told apart by class or by `code`, never by their text.
 *
 * | class | what it means | what its caller does |
 * |---|---|---|
 * | `BitcoindUnreachable` | no answer, or "not yet": refused, reset, timed out, busy (HTTP 503), warming up (-28), no cookie file | waits and asks again |
 * | `BitcoindUnauthorized` | the credentials are wrong, or may not be read | tells the operator |
 * | `BitcoindRefused` | an answer: a JSON-RPC error with bitcoind's code | decides by `rpcCode` |
 */
export class BitcoindUnreachable extends Error {
  readonly code = 'bitcoind-unreachable';
}

/** Wrong or unreadable credentials: HTTP 401 or 403 also after the cookie was read again. */
export class BitcoindUnauthorized extends Error {
  readonly code = 'bitcoind-unauthorized';
}

/** A JSON-RPC error; `rpcCode` is a member of `RPCErrorCode` in bitcoind's `src/rpc/protocol.h`, such as -26. */
export class BitcoindRefused extends Error {
  readonly code = 'bitcoind-refused';
  readonly rpcCode: number;
  constructor(rpcCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.rpcCode = rpcCode;
  }
}

/** What bitcoind answers while it loads its block index. */
const RPC_IN_WARMUP = -28;

/**
 * The class for what `bitcoin-core` rejected with. It gives HTTP statuses and JSON-RPC codes in one number `code`;
 * the former are positive, the latter negative. Anything else, such as an answer that is not bitcoind's, is an outage.
 */
export function failureOf(method: string, cause: unknown): Error {
  const { code, message } = (typeof cause === 'object' && cause !== null ? cause : {}) as Record<string, unknown>;
  const text = `${method}: ${typeof message === 'string' ? message : String(code)}`.slice(0, MOST_SAID);
  if (code === 401 || code === 403) return new BitcoindUnauthorized(text, { cause });
  if (typeof code === 'number' && code < 0 && code !== RPC_IN_WARMUP) return new BitcoindRefused(code, text, { cause });
  return new BitcoindUnreachable(text, { cause });
}

/** How much of what a bitcoind says of a failure is kept. */
const MOST_SAID = 1_000;

/**
 * What `read` makes of an answer. Where it can make nothing of it (it throws), that is not bitcoind's, and so an outage like
 * any other: throws `BitcoindUnreachable`.
 */
export function understood<T>(method: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new BitcoindUnreachable(`${method}: an answer that is not bitcoind's`, { cause });
  }
}
