import type { LogConnectionOptions } from '../../events/log/connection.js';
import type { Dialect } from '../../events/signing/receipts.js';
import type { Answer } from './answers.js';
import type { FieldLimits } from './faults.js';
import type { Caller } from './gateway.js';
import type { Patience } from './http-door.js';
import type { Address } from './http-listener.js';
import type { Rates } from './rate-limiter.js';
import type { Operation } from './requests.js';

/** What travels between the node and its thread of doors. Both are this process; nothing in it came from outside unread. */

/** What the thread is started with. */
export interface DoorSetting {
  readonly nats: LogConnectionOptions & { readonly seed: string };
  readonly version: string;
  readonly http: readonly HttpSetting[];
  readonly maxConnections: number;
  readonly maxConnectionsPerSource: number;
  /** See `parseProxies`. */
  readonly trustedProxies: readonly string[];
  /** PEM. */
  readonly tls: { readonly cert: Uint8Array; readonly key: Uint8Array } | undefined;
  readonly patience: Patience | undefined;
  /** pino's name of the level from which on lines are wanted. */
  readonly logLevel: string;
  readonly standing: Standing;
  /** See `Precedence`. */
  readonly stretch: Int32Array<SharedArrayBuffer>;
}

export interface HttpSetting extends Address {
  readonly dialect?: Dialect;
}

/** How things stand with the node. */
export interface Standing {
  /** Whether it takes requests: until its operator has it drain. */
  readonly isOn: boolean;
  /** Whether the tower can accept appointments now. */
  readonly isAble: boolean;
  /** How much it takes. */
  readonly limits: FieldLimits & Rates;
  /** What anybody may know of it. */
  readonly info: object;
}

/** What the node says to the thread. */
export type ToDoors =
  | { readonly kind: 'open' }
  | { readonly kind: 'close' }
  | { readonly kind: 'standing'; readonly standing: Standing }
  | (AnswerInWire & { readonly kind: 'answer'; readonly id: number });

/** What the thread says to the node. */
export type FromDoors =
  | { readonly kind: 'opened'; readonly addresses: readonly Address[] }
  /** An address cannot be listened on. */
  | { readonly kind: 'cannot-listen'; readonly why: string }
  /** The NATS door is open or shut now, as was wanted. */
  | { readonly kind: 'turned'; readonly isOn: boolean }
  | { readonly kind: 'closed' }
  /** What the thread answered itself since it said so last. */
  | { readonly kind: 'refused'; readonly refusals: readonly Refusals[] }
  | { readonly kind: 'line'; readonly line: string }
  | RequestInWire;

/** Requests that were refused alike. */
export interface Refusals {
  readonly operation: Operation;
  readonly outcome: string;
  readonly count: number;
}

export interface RequestInWire {
  readonly kind: 'request';
  readonly id: number;
  readonly operation: Operation;
  readonly body: Uint8Array;
  readonly caller: Caller;
  /** In ms of `monotonicMs`. */
  readonly came: number;
}

/** An answer whose body is text already. */
export interface AnswerInWire {
  readonly status: number;
  readonly text: string;
  readonly reason: Answer['reason'] | undefined;
  readonly retryMs: number | undefined;
  readonly relayed: boolean;
}

export const toWire = ({ status, body, reason, retryMs, relayed }: Answer): AnswerInWire => ({
  status,
  text: JSON.stringify(body),
  reason,
  retryMs,
  relayed: relayed === true,
});

export const fromWire = ({ status, text, reason, retryMs, relayed }: AnswerInWire): Answer => ({
  status,
  body: JSON.parse(text),
  ...(reason !== undefined && { reason }),
  ...(retryMs !== undefined && { retryMs }),
  ...(relayed && { relayed }),
});

/** A clock that all threads of a process share; `performance.now()` begins anew in each. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
