import type { RefusalVerdict } from '../../events/tracker.js';

/**
 * What bitcoind thinks of a transaction, as a closed set.
 *
 * | verdict | means | for ever? |
 * |---|---|---|
 * | `accepted` | it is in the mempool, now or already | no |
 * | `already-mined` | it is in the best chain, with an output that is unspent | no |
 * | `inputs-missing-or-spent` | what it spends is not there: not yet, or spent by another, or by itself in a block | no |
 * | `policy` | nobody relays it now: its fee, its form, its time, a conflict in the mempool | no |
 * | `invalid` | the rules of consensus forbid it: no block will ever hold it | yes |
 * | `unknown` | bitcoind said something that is not in this table | no |
 *
 * Whatever is not for ever is worth another try, at the next block.
 */
export type Verdict =
  | { readonly kind: 'accepted' | 'already-mined' }
  /** `detail` is for people: the JSON-RPC code and, where there is one, the reject-reason token. */
  | { readonly kind: RefusalVerdict; readonly detail: string };

/** A refusal in bitcoind's words: the code of `sendrawtransaction` and, for -26, the token of `testmempoolaccept`. */
export interface Refusal {
  readonly rpcCode: number;
  readonly token?: string;
}

/** Codes of `RPCErrorCode` in bitcoind's `src/rpc/protocol.h`, as `sendrawtransaction` uses them. */
export const RPC = { decode: -22, missingInputs: -25, rejected: -26, alreadyInChain: -27 } as const;

/**
 * What can never become valid, whatever is mined or relayed: faults of the transaction alone (`CheckTransaction` in
 * bitcoind's `consensus/tx_check.cpp`) and of its amounts against those of its inputs, which their txids fix
 * (`CheckTxInputs` in `consensus/tx_verify.cpp`).
 */
const INVALID_FOR_EVER: ReadonlySet<string> = new Set([
  'bad-txns-vin-empty',
  'bad-txns-vout-empty',
  'bad-txns-oversize',
  'bad-txns-vout-negative',
  'bad-txns-vout-toolarge',
  'bad-txns-txouttotal-toolarge',
  'bad-txns-inputs-duplicate',
  'bad-txns-prevout-null',
  'bad-cb-length',
  'coinbase',
  'bad-txns-inputvalues-outofrange',
  'bad-txns-in-belowout',
  'bad-txns-fee-outofrange',
  // A script or signature that fails. The first is the name in a block, and until Core 29.0 also in the mempool; the
  // second is the name in a block from Core 30 on.
  'mandatory-script-verify-flag-failed',
  'block-script-verify-flag-failed',
]);

/** A script or signature that fails in the mempool: by consensus or by a mere rule of relay; the name does not tell. */
const SCRIPT_FAILURE = 'mempool-script-verify-flag-failed';

/** Fees that a parent and child may reach together. */
const FEE_TOO_LOW: ReadonlySet<string> = new Set(['min relay fee not met', 'mempool min fee not met', 'mempool full']);

/** The verdict on what bitcoind refused. */
export function verdictOf({ rpcCode, token }: Refusal): Verdict {
  const detail = token === undefined ? `${rpcCode}` : `${rpcCode} ${token}`;
  if (rpcCode === RPC.alreadyInChain || token === 'txn-already-known') return { kind: 'already-mined' };
  if (token === 'txn-already-in-mempool') return { kind: 'accepted' };
  if (rpcCode === RPC.missingInputs || token === 'missing-inputs') return { kind: 'inputs-missing-or-spent', detail };
  if (rpcCode === RPC.decode || (token !== undefined && isInvalidForEver(token))) return { kind: 'invalid', detail };
  return { kind: rpcCode === RPC.rejected ? 'policy' : 'unknown', detail };
}

/** Whether a reject reason, in the mempool or in a block, is one that stays. */
export const isInvalidForEver = (token: string): boolean => INVALID_FOR_EVER.has(token);

/** Whether it takes a block's rules to say if the refusal is for ever. */
export const isScriptFailure = ({ token }: Refusal): boolean => token === SCRIPT_FAILURE;

/** Whether the transaction may pass together with its unconfirmed parent: a low fee, or a parent that is not there. */
export const mayPassAsPackage = ({ rpcCode, token }: Refusal): boolean =>
  rpcCode === RPC.missingInputs || (token !== undefined && (FEE_TOO_LOW.has(token) || token === 'missing-inputs'));

/** The token of a reject reason: what stands before the words for people, which come in brackets or after a comma. */
export const tokenOf = (rejectReason: string): string =>
  (rejectReason.split(/ \(|, /, 1)[0] ?? rejectReason).slice(0, MOST_TOKEN);

/** More than any of bitcoind's. */
const MOST_TOKEN = 100;
