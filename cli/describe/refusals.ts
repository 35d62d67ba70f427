import type { Answer } from '../../actors/gateway/answers.js';
import { words } from '../../actors/gateway/dialect.js';
import type { Fault } from '../../actors/gateway/faults.js';
import { MAX_BLOB_BYTES, type Operation } from '../../actors/gateway/requests.js';
import { comeAgain } from '../../actors/gateway/rust.js';
import type { Refusal } from '../../actors/outcomes.js';
import type { Height, Position, Shard } from '../../events/ids.js';
import { Dialect } from '../../events/signing/receipts.js';

/** Every way in which a request is refused, in the very words of the Gateway. */

/** A refusal as one generation gets it. */
export interface Refused {
  readonly reason: NonNullable<Answer['reason']>;
  readonly dialect: Dialect;
  readonly status: number;
  readonly code: number | undefined;
  readonly body: object;
}

/** One of each kind. */
const SAMPLES: { readonly [Kind in Refusal['kind']]: Refusal & { kind: Kind } } = {
  'appointment-limit-reached': { kind: 'appointment-limit-reached', limit: 1 },
  'already-triggered': { kind: 'already-triggered' },
  'appointment-not-found': { kind: 'appointment-not-found' },
  'receipt-replaced': { kind: 'receipt-replaced' },
  'head-not-found': { kind: 'head-not-found', size: 12 },
  'not-under-head': { kind: 'not-under-head', position: 12 as Position },
  'proof-unavailable': { kind: 'proof-unavailable' },
  'authentication-failed': { kind: 'authentication-failed' },
  'not-enough-slots': { kind: 'not-enough-slots', needed: 2, available: 1 },
  'subscription-expired': { kind: 'subscription-expired', expiry: 800_000 as Height },
  'max-slots-reached': { kind: 'max-slots-reached' },
  'invite-required': { kind: 'invite-required' },
  'invite-refused': { kind: 'invite-refused', why: 'used-up' },
  'not-allowed': { kind: 'not-allowed' },
  'user-limit-reached': { kind: 'user-limit-reached', limit: 1 },
  'rate-limited': { kind: 'rate-limited', retryMs: 1_500 },
  'other-dialect': { kind: 'other-dialect', dialect: 'python' },
  'shard-not-served': { kind: 'shard-not-served', shard: 1 as Shard },
  unavailable: { kind: 'unavailable', why: 'the log does not answer' },
};

type Kind = Refusal['kind'];
const ALWAYS: readonly Kind[] = ['rate-limited', 'shard-not-served', 'unavailable'];
const OF_USERS: readonly Kind[] = ['authentication-failed', 'subscription-expired'];

/** What may be said to each, beside what may be said to all. */
const KINDS: Readonly<Record<Operation, readonly Kind[]>> = {
  register: [
    'other-dialect',
    'max-slots-reached',
    'user-limit-reached',
    'invite-required',
    'invite-refused',
    'not-allowed',
  ],
  add_appointment: [...OF_USERS, 'not-enough-slots', 'already-triggered', 'appointment-limit-reached'],
  delete_appointment: [...OF_USERS, 'already-triggered', 'appointment-not-found', 'receipt-replaced'],
  get_appointment: [...OF_USERS, 'appointment-not-found'],
  get_proof: [...OF_USERS, 'appointment-not-found', 'head-not-found', 'not-under-head', 'proof-unavailable'],
  get_subscription_info: OF_USERS,
};

/** All refusals of an operation; of those that differ in nothing but their text, one. */
export function refusalsOf(operation: Operation): Refused[] {
  const all = Dialect.options.flatMap((dialect) => [
    ...faultsOf(operation).map((fault) =>
      refused('malformed-request', dialect, words[dialect].malformed(operation, fault, LIMITS)),
    ),
    ...[...KINDS[operation], ...ALWAYS].map((kind) =>
      refused(kind, dialect, words[dialect].refused(operation, SAMPLES[kind], LOCATOR)),
    ),
    // What takes too long, or fails in a way that nobody has thought of.
    refused('unavailable', dialect, comeAgain),
  ]);
  const different = new Map(
    all.map((one) => [[one.reason, one.dialect, one.status, one.code, 'status' in one.body].join(), one]),
  );
  return [...different.values()];
}

const LIMITS = { maxBlobBytes: MAX_BLOB_BYTES, minToSelfDelay: 20 };
const LOCATOR = '5a'.repeat(16);

type Told = ReturnType<(typeof words)[Dialect]['refused']>;

const refused = (reason: Refused['reason'], dialect: Dialect, { status, code, text, body }: Told): Refused => ({
  reason,
  dialect,
  status,
  code,
  body: body ?? { error: text, ...(code !== undefined && { error_code: code }) },
});

/** Requests with something wrong: each field is missing, of another type, empty, too short, too large, or not what it should be. */
function faultsOf(operation: Operation): Fault[] {
  const wrong = [
    undefined,
    null,
    1,
    -1,
    2 ** 40,
    '',
    'a',
    'zz',
    'aa'.repeat(15),
    'aa'.repeat(40),
    'zz'.repeat(16),
    'aa'.repeat(33),
    {},
  ];
  const right: Record<string, unknown> = {
    locator: LOCATOR,
    signature: 'signed',
    encrypted_blob: 'aa',
    to_self_delay: 42,
  };
  const inner = ['locator', 'encrypted_blob', 'to_self_delay'];
  const fields = ['user_id', 'public_key', 'locator', 'signature', 'receipt'];
  const appointments = inner.flatMap((field) =>
    [...wrong, 5, 'aa'.repeat(MAX_BLOB_BYTES + 1)].map((value) => ({ ...right, [field]: value })),
  );
  const bodies: Record<string, unknown>[] =
    operation === 'add_appointment'
      ? [
          ...[...appointments, ...wrong].map((appointment) => ({ appointment, signature: 'signed' })),
          ...wrong.map((signature) => ({ appointment: right, signature })),
        ]
      : fields.flatMap((field) => wrong.map((value) => ({ ...right, [field]: value })));
  return [
    { kind: 'wrong-content-type' },
    { kind: 'not-json' },
    { kind: 'not-an-object' },
    { kind: 'too-long', most: 1024 },
    ...bodies.map((json): Fault => ({ kind: 'fields', json })),
  ];
}
