import fc from 'fast-check';

/** JSON as nobody should send it, as text: what `JSON.stringify` would not write is the half of it. */

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const NASTY = [
  'null',
  'true',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\u0130\u2028"',
  '"\\r\\nNats-Service-Error: 0"',
  '0',
  '-0',
  '-1',
  '1e3',
  '1e999',
  '-1e999',
  '1.5',
  '4294967295',
  '4294967296',
  '9007199254740993',
  '1'.repeat(400),
  '{}',
  '[]',
  '[[]]',
  nested(31),
  nested(33),
  nested(400),
  '{"__proto__":{"locator":"00"}}',
  '{"toString":1,"valueOf":2}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"then":"x"}',
  'NaN',
  'undefined',
  '01',
  "'a'",
];

const digits = (count: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: count, maxLength: count });

/** A value of any kind, as JSON's text, or almost. */
export const value: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.jsonValue({ maxDepth: 3 }).map((json) => JSON.stringify(json)),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => JSON.stringify(text)),
  fc
    .oneof(fc.constantFrom(0, 1, 31, 32, 33, 64, 66, 104, 4096).chain(digits), fc.nat(200).chain(digits))
    .map((hex) => `"${hex}"`),
  fc.integer().map(String),
  fc.double().map(String),
);

const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', '', 'locator', 'signature'),
  fc.string({ maxLength: 8 }),
);

/** An object of these fields, each given as JSON's text: some left out, some otherwise, some twice, some that nobody knows. */
export function objectLike(fields: Readonly<Record<string, string>>): fc.Arbitrary<string> {
  const names = Object.keys(fields);
  const field = (name: string, wrong: fc.Arbitrary<string>) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(fields[name] ?? 'null') },
      { weight: 2, arbitrary: wrong },
      { weight: 1, arbitrary: fc.constant(undefined) },
    );
  const own = fc.tuple(...names.map((name) => field(name, value)));
  const more = fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.tuple(key, value), { maxLength: 3 }) },
  );
  const again = fc.oneof(
    { weight: 8, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...names), value).map((pair) => [pair]) },
  );
  return fc.tuple(own, more, again).map(([texts, others, twice]) => {
    const pairs = [...names.map((name, i) => [name, texts[i]] as const), ...others, ...twice];
    const written = pairs.flatMap(([name, text]) => (text === undefined ? [] : [`${JSON.stringify(name)}:${text}`]));
    return `{${written.join(',')}}`;
  });
}
