import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { words } from '../../../actors/gateway/dialect.js';
import { type Operation, parseRegister } from '../../../actors/gateway/requests.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { MOST, requests, withField } from './requests-in-order.js';

/**
 * Every way in which a field can be wrong, and how each generation is told: python's code, or its status where it gives no
 * code, and rust's code. The words and the order are tested over HTTP.
 */

const limits = { maxBlobBytes: MOST, minToSelfDelay: 20 };

type Case = [value: unknown, python: number, rust: number];

/** The values that are no text at all, or none that says anything. */
const noText = (missing: number, empty: number, wrongType: number): Case[] => [
  [undefined, missing, 1],
  [null, missing, 3],
  ['', empty, 2],
  [7, wrongType, 3],
  [true, wrongType, 3],
  [['aa'], wrongType, 3],
  [{}, wrongType, 3],
];
const noHex = (bytes: number, size: number, format: number): Case[] => [
  ['a', size, 5],
  ['a'.repeat(2 * bytes - 1), size, 5],
  ['a'.repeat(2 * bytes + 2), size, 4],
  ['g'.repeat(2 * bytes), format, 5],
  [`${'a'.repeat(2 * bytes - 1)}\n`, format, 5],
  [`0x${'a'.repeat(2 * bytes - 2)}`, format, 5],
];

/** The python tower tells a bad locator apart from one that it does not have neither by the status nor by a code. */
const notFound = (cases: Case[]): Case[] => cases.map(([value, , rust]) => [value, 404, rust]);

const CASES: [operation: Operation, field: string, cases: Case[]][] = [
  [
    'add_appointment',
    'appointment',
    [[undefined, -1, 1], [null, -1, 1], ...['', 7, true, [], [{}]].map((value): Case => [value, -7, 3]), [{}, -1, 1]],
  ],
  ['add_appointment', 'locator', [...noText(-1, -3, -2), ...noHex(16, -3, -4)]],
  [
    'add_appointment',
    'to_self_delay',
    [
      [undefined, -1, 1],
      [null, -1, 3],
      ...['20', true, [], {}, 20.5].map((value): Case => [value, -2, 3]),
      ...[-1, -(2 ** 32)].map((value): Case => [value, -5, 6]),
      ...[2 ** 32, 2 ** 32 + 1, 2 ** 53, 1e20].map((value): Case => [value, -6, 6]),
    ],
  ],
  [
    'add_appointment',
    'encrypted_blob',
    [
      ...noText(-1, -4, -2),
      ...['a', 'aaa', 'zz', 'aa\n'].map((text): Case => [text, -4, 5]),
      ['aa'.repeat(MOST + 1), -6, 34],
    ],
  ],
  ['add_appointment', 'signature', noText(-8, -8, -8)],
  ['delete_appointment', 'locator', [...noText(-65, -65, -65), ...noHex(16, -65, -65)]],
  ['delete_appointment', 'signature', noText(-65, -65, -65)],
  [
    'delete_appointment',
    'receipt',
    [
      ...['', 'y'.repeat(103), 'v'.repeat(104), 'Y'.repeat(104)].map((value): Case => [value, -65, 5]),
      ...[7, true, {}, ['y'.repeat(104)]].map((value): Case => [value, -65, 3]),
    ],
  ],
  ['get_appointment', 'locator', notFound([...noText(0, 0, 0), ...noHex(16, 0, 0)])],
  ['get_appointment', 'signature', notFound(noText(0, 0, 0))],
  ['get_subscription_info', 'signature', noText(-8, -8, -8)],
];

describe('a field', () => {
  for (const [operation, field, cases] of CASES)
    test(`${field} of ${operation}: every way in which it can be wrong`, () => {
      for (const [value, python, rust] of cases) {
        const parsed = requests[operation].parse(withField(operation, field, value));
        assert.ok(!parsed.ok, JSON.stringify(value));
        const told = words.python.malformed(operation, parsed.fault, limits);
        assert.equal(told.code ?? told.status, python, `python: ${JSON.stringify(value)}`);
        const { status, code } = words.rust.malformed(operation, parsed.fault, limits);
        assert.deepEqual([status, code], [400, rust], `rust: ${JSON.stringify(value)}`);
      }
    });

  test("a user's key: every way in which it can be wrong, by either name", () => {
    const { userId } = exchange;
    const cases: Case[] = [
      ...noText(-33, -33, -34).filter(([value]) => JSON.stringify(value) !== '{}'),
      [{}, -33, 3],
      [[], -33, 3],
      [0, -33, 3],
      [false, -33, 3],
      ...noHex(33, -34, -34),
      [`04${userId.slice(2)}`, -34, 5],
      [`02${'0'.repeat(64)}`, -34, 5],
      [`02${'f'.repeat(64)}`, -34, 5],
    ];
    for (const [value, python, rust] of cases) {
      for (const [dialect, name, code] of [
        ['python', 'public_key', python],
        ['rust', 'user_id', rust],
      ] as const) {
        const parsed = parseRegister({ [name]: value }, dialect);
        assert.ok(!parsed.ok);
        const told = words[dialect].malformed('register', parsed.fault, limits);
        assert.deepEqual([told.status, told.code], [400, code], `${dialect}: ${JSON.stringify(value)}`);
      }
    }
  });

  test('of several that are wrong, the first in the order of the generation is named', () => {
    const first = (operation: Operation, json: Record<string, unknown>) =>
      [words.python, words.rust].map(({ malformed }) => malformed(operation, { kind: 'fields', json }, limits).text);
    const wrong = { locator: 'zz', to_self_delay: 'x', encrypted_blob: 'z' };
    assert.deepEqual(first('add_appointment', {}), [
      'appointment rejected. empty appointment received',
      'missing field `signature`',
    ]);
    assert.deepEqual(first('add_appointment', { appointment: {}, signature: '' }), [
      'appointment rejected. empty locator received',
      'missing field `locator`',
    ]);
    assert.deepEqual(first('add_appointment', { appointment: wrong, signature: 7 }), [
      'appointment rejected. wrong locator size (2)',
      "Invalid character 'z' at position 0",
    ]);
    assert.deepEqual(first('add_appointment', { appointment: { ...wrong, locator: 'ab'.repeat(16) } }), [
      "appointment rejected. wrong to_self_delay data type (<class 'str'>)",
      'Odd number of digits',
    ]);
    assert.equal(first('get_appointment', { locator: 'zz' })[1], "Invalid character 'z' at position 0");
  });
});
