import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Told, words } from '../../../actors/gateway/dialect.js';
import type { Fault } from '../../../actors/gateway/faults.js';
import { type Operation, operations } from '../../../actors/gateway/requests.js';
import type { Refusal } from '../../../actors/outcomes.js';
import { Shard } from '../../../events/ids.js';
import { height } from '../../fixtures/blocks.js';

/** How each generation of clients is told no (teos-protocol A4 to A7): status, code and, where a client may show it, text. */

const refusals: Record<Refusal['kind'], Refusal> = {
  'appointment-limit-reached': { kind: 'appointment-limit-reached', limit: 9 },
  'already-triggered': { kind: 'already-triggered' },
  'appointment-not-found': { kind: 'appointment-not-found' },
  'receipt-replaced': { kind: 'receipt-replaced' },
  'head-not-found': { kind: 'head-not-found', size: 7 },
  'not-under-head': { kind: 'not-under-head', position: 8 },
  'proof-unavailable': { kind: 'proof-unavailable' },
  'authentication-failed': { kind: 'authentication-failed' },
  'not-enough-slots': { kind: 'not-enough-slots', needed: 2, available: 1 },
  'subscription-expired': { kind: 'subscription-expired', expiry: height(2000) },
  'max-slots-reached': { kind: 'max-slots-reached' },
  'invite-required': { kind: 'invite-required' },
  'invite-refused': { kind: 'invite-refused', why: 'used-up' },
  'not-allowed': { kind: 'not-allowed' },
  'user-limit-reached': { kind: 'user-limit-reached', limit: 9 },
  'rate-limited': { kind: 'rate-limited', retryMs: 1_500 },
  'other-dialect': { kind: 'other-dialect', dialect: 'rust' },
  'shard-not-served': { kind: 'shard-not-served', shard: Shard.parse(3) },
  unavailable: { kind: 'unavailable', why: 'a reason that is nobody else’s business' },
};

const told = ({ status, code, text }: Told) => `${status}/${code ?? '-'} ${text}`;

const SLOTS = 'Invalid signature or user does not have enough slots available';
const TRIGGERED = 'The provided appointment has already been triggered';
const LATER = 'Too many requests: come again in 2 s';
const UNKNOWN = 'User not found. Have you registered?';

/** Who is refused what / what a python client is told / what a rust client is told. */
const TABLE: [operation: Operation, refusal: Refusal['kind'], python: string, rust: string][] = [
  [
    'register',
    'other-dialect',
    '400/-34 Provided public key is registered by a client of the rust generation (as user_id)',
    '400/5 Provided user_id is registered by a client of the python generation (as public_key)',
  ],
  [
    'register',
    'max-slots-reached',
    '400/-34 Maximum slots reached for the subscription',
    '400/65 Subscription maximum slots count reached',
  ],
  [
    'register',
    'invite-required',
    '400/-8 This tower takes new users by invite only',
    '401/7 This tower takes new users by invite only',
  ],
  [
    'register',
    'invite-refused',
    '400/-8 This tower takes new users by invite only, and the invite is used up',
    '401/7 This tower takes new users by invite only, and the invite is used up',
  ],
  [
    'register',
    'not-allowed',
    '400/-8 This tower takes only the users that its operator allows',
    '401/7 This tower takes only the users that its operator allows',
  ],
  ['register', 'user-limit-reached', '503/- This tower takes no more users', '400/65 This tower takes no more users'],
  ['register', 'rate-limited', `503/- ${LATER}`, `503/32 ${LATER}`],
  ['add_appointment', 'rate-limited', `503/- ${LATER}`, `503/7 ${LATER}`],
  ['get_appointment', 'rate-limited', `503/- ${LATER}`, `503/32 ${LATER}`],
  ['register', 'unavailable', '503/- Service unavailable', '503/32 Service currently unavailable'],
  ['register', 'shard-not-served', '503/- Service unavailable', '503/32 Service currently unavailable'],
  ['add_appointment', 'authentication-failed', `400/-8 appointment rejected. ${SLOTS}`, `401/7 ${SLOTS}`],
  ['add_appointment', 'not-enough-slots', `400/-8 appointment rejected. ${SLOTS}`, `401/7 ${SLOTS}`],
  [
    'add_appointment',
    'subscription-expired',
    '400/-8 appointment rejected. Your subscription expired at block 2000',
    '401/7 Your subscription expired at 2000',
  ],
  ['add_appointment', 'already-triggered', `400/-9 appointment rejected. ${TRIGGERED}`, `400/35 ${TRIGGERED}`],
  ['add_appointment', 'appointment-limit-reached', '503/- appointment rejected', '503/7 Service currently unavailable'],
  ['add_appointment', 'unavailable', '503/- Service unavailable', '503/7 Service currently unavailable'],
  ['add_appointment', 'shard-not-served', '503/- Service unavailable', '503/7 Service currently unavailable'],
  ['delete_appointment', 'authentication-failed', `400/-8 ${UNKNOWN}`, '401/7 User cannot be authenticated'],
  ['delete_appointment', 'appointment-not-found', '404/- Appointment not found', '404/36 Appointment not found'],
  [
    'delete_appointment',
    'receipt-replaced',
    '404/- deletion rejected. The receipt is not of the appointment as it is now',
    '404/36 The receipt is not of the appointment as it is now',
  ],
  ['delete_appointment', 'already-triggered', `400/-9 deletion rejected. ${TRIGGERED}`, `400/35 ${TRIGGERED}`],
  [
    'delete_appointment',
    'subscription-expired',
    '400/-8 Your subscription expired at block 2000',
    '401/7 Your subscription expired at 2000',
  ],
  ['delete_appointment', 'unavailable', '503/- Service unavailable', '503/32 Service currently unavailable'],
  ['get_appointment', 'authentication-failed', '404/- Appointment not found', '401/7 User cannot be authenticated'],
  ['get_appointment', 'appointment-not-found', '404/- Appointment not found', '404/36 Appointment not found'],
  [
    'get_appointment',
    'subscription-expired',
    '400/-8 Your subscription expired at block 2000',
    '401/7 Your subscription expired at 2000',
  ],
  ['get_appointment', 'unavailable', '503/- Service unavailable', '503/32 Service currently unavailable'],
  ['get_appointment', 'shard-not-served', '503/- Service unavailable', '503/32 Service currently unavailable'],
  ['get_proof', 'authentication-failed', `400/-8 ${UNKNOWN}`, '401/7 User cannot be authenticated'],
  ['get_proof', 'appointment-not-found', '404/- Appointment not found', '404/36 Appointment not found'],
  ['get_proof', 'head-not-found', '404/- There is no tree head of size 7', '404/36 There is no tree head of size 7'],
  [
    'get_proof',
    'not-under-head',
    '404/- There is no tree head over position 8 yet',
    '404/36 There is no tree head over position 8 yet',
  ],
  ['get_proof', 'proof-unavailable', '503/- Service unavailable', '503/32 Service currently unavailable'],
  ['get_subscription_info', 'authentication-failed', `400/-8 ${UNKNOWN}`, `401/7 ${UNKNOWN}`],
  [
    'get_subscription_info',
    'subscription-expired',
    '400/-8 Your subscription expired at block 2000',
    '401/7 Your subscription expired at 2000',
  ],
  ['get_subscription_info', 'unavailable', '503/- Service unavailable', '503/32 Service currently unavailable'],
  ['get_subscription_info', 'shard-not-served', '503/- Service unavailable', '503/32 Service currently unavailable'],
];

describe('a refusal', () => {
  for (const [operation, kind, python, rust] of TABLE)
    test(`${kind} of ${operation}`, () => {
      assert.equal(told(words.python.refused(operation, refusals[kind])), python);
      assert.equal(told(words.rust.refused(operation, refusals[kind])), rust);
    });

  const all = operations.flatMap((operation) => Object.values(refusals).map((refusal) => ({ operation, refusal })));

  test('to a rust client always has a code of 0 to 255, or its answer cannot be decoded', () => {
    for (const { operation, refusal } of all) {
      const { code = -1 } = words.rust.refused(operation, refusal);
      assert.ok(Number.isInteger(code) && code >= 0 && code <= 255, `${operation} ${refusal.kind}: ${code}`);
    }
  });

  test('to a python client is 400 with a code, 404 or 503, or its plugin brings down its node', () => {
    for (const { operation, refusal } of all) {
      const { status, code } = words.python.refused(operation, refusal);
      assert.ok(status === 400 ? Number.isInteger(code) : [404, 503].includes(status), `${operation} ${refusal.kind}`);
    }
  });

  test('to a python client that adds an appointment is never 404, which it takes for misbehaviour', () => {
    const asked = ['authentication-failed', 'not-enough-slots', 'subscription-expired', 'already-triggered'] as const;
    for (const kind of [
      ...asked,
      'appointment-limit-reached',
      'max-slots-reached',
      'other-dialect',
      'shard-not-served',
      'unavailable',
    ] as const)
      assert.notEqual(words.python.refused('add_appointment', refusals[kind]).status, 404, kind);
  });
});

describe('a locator that is not found', () => {
  test('is sent back as it came to a python client, with no error and no code', () => {
    for (const kind of ['authentication-failed', 'appointment-not-found'] as const)
      for (const locator of ['AB', 7, { a: null }]) {
        const { status, body } = words.python.refused('get_appointment', refusals[kind], locator);
        assert.deepEqual([status, body], [404, { locator, status: 'not_found' }]);
      }
    const { body } = words.python.refused('get_appointment', refusals['appointment-not-found']);
    assert.deepEqual(body, { locator: null, status: 'not_found' });
  });

  test('is an error with a code to a rust client, which takes a `status` for success', () => {
    for (const refusal of all) assert.equal(words.rust.refused('get_appointment', refusal, 'ab').body, undefined);
  });

  const all = Object.values(refusals);
});

describe('a request that cannot be read', () => {
  const limits = { maxBlobBytes: 64, minToSelfDelay: 20 };
  /** What is at fault / what python says / what rust says, whatever the request. */
  const FAULTS: [fault: Fault, python: string, rust: string][] = [
    [
      { kind: 'wrong-content-type' },
      '400/-65 Request is not json encoded',
      '415/6 The content type has to be application/json',
    ],
    [{ kind: 'not-json' }, '400/-65 Invalid request content', '400/6 The request is not JSON'],
    [
      { kind: 'not-an-object' },
      '400/-65 Invalid request content',
      '400/3 invalid type: the request is not a JSON object',
    ],
    [
      { kind: 'too-long', most: 1024 },
      '400/-65 Invalid request content: more than 1024 bytes',
      '413/6 The request is longer than 1024 bytes',
    ],
  ];
  for (const [fault, python, rust] of FAULTS)
    test(`because it is ${fault.kind}`, () => {
      for (const operation of operations) {
        assert.equal(told(words.python.malformed(operation, fault, limits)), python);
        assert.equal(told(words.rust.malformed(operation, fault, limits)), rust);
      }
    });
});
