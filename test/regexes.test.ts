import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { packageRoot } from '../actors/package-root.js';
import { regexesIn, repetitionsOf } from './support/regex-reader.js';

/** Every regular expression of the product, found in its sources: none of them takes more than linear time, whatever it reads. */

const FOLDERS = ['events', 'projections', 'actors', 'cli'];
const found = FOLDERS.flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      regexesIn(readFileSync(join(packageRoot, folder, name), 'utf8')).map((regex) => ({
        file: `${folder}/${name}`,
        regex,
      })),
    ),
);

/** Why an expression may take longer than its text is long; undefined if it cannot. */
function trouble(source: string): string | undefined {
  const repetitions = repetitionsOf(source);
  if (repetitions.some(({ depth }) => depth > 1)) return 'repeats what repeats';
  const free = repetitions.filter(({ isGroup }) => isGroup);
  if (free.length > 0) return 'repeats a group';
  for (const [i, one] of repetitions.entries())
    for (const other of repetitions.slice(i + 1))
      if (
        one.branch === other.branch &&
        !isApart(source.slice(one.end, other.begin), one.set) &&
        overlap(one.set, other.set)
      )
        return `repeats two things that may be the same: ${one.set} and ${other.set}`;
  const [first] = repetitions;
  if (first && first.begin === 0) return 'begins with a repetition, anywhere in a text';
  return undefined;
}

/** Whether something stands between two repetitions that the first cannot take for its own. */
const isApart = (between: string, set: string): boolean => {
  const [char] = /^\)*((?:\\.|[^\\()[\]|?*+{}.^$]))(?![?*{])/.exec(between)?.slice(1) ?? [];
  return char !== undefined && !new RegExp(`^${set}$`, 's').test(char.replace('\\', ''));
};

/** Whether two sets of characters have one in common, among those that tell sets apart. */
const CHARACTERS = [
  ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)),
  '\u2028',
  '\ufeff',
  '\u3042',
];
const overlap = (one: string, other: string): boolean =>
  CHARACTERS.some((char) => new RegExp(`^${one}$`, 's').test(char) && new RegExp(`^${other}$`, 's').test(char));

/** Those that are more than linear for the rules above, and are not, or read what is short; each with the reason. */
const REVIEWED: Readonly<Record<string, string>> = {
  '^(?:[0-9a-f]{2})+$': 'each repetition takes two characters, in one way',
  '^([0-9a-f]{2})+$': 'each repetition takes two characters, in one way',
  '^\\s*(\\d{1,9})(?:-(\\d{1,9}))?\\s*$': 'a digit stands between the two spaces',
  '\\s*\\n\\s*': 'reads what zod says, which is some lines',
};

describe('the regular expressions of the product', () => {
  test('are found', () => {
    assert.ok(found.length > 40, `${found.length}`);
    assert.ok(found.some(({ regex }) => regex === '^[0-9a-fA-F]*$'));
    const source = ['const a = 1 / 2; // /x+/', "const s = '/y+/'; f(/a\\/[/]+b/g); `$", '{/z/.test(s)}`'].join('');
    assert.deepEqual(regexesIn(source.replace('x+/', 'x+/\n')), ['a\\/[/]+b', 'z']);
  });

  test('are linear', () => {
    const bad = found.flatMap(({ file, regex }) => {
      const why = trouble(regex);
      return why === undefined || regex in REVIEWED ? [] : [`${file}: /${regex}/ ${why}`];
    });
    assert.deepEqual(bad, []);
    for (const regex of Object.keys(REVIEWED))
      assert.ok(
        found.some((one) => one.regex === regex),
        `${regex} is no more`,
      );
  });

  test('would be found out', () => {
    for (const regex of [
      '^(a+)+$',
      '^(a|b)*$',
      '^a*a*$',
      '^\\d+\\d+x',
      '^[a-z]+\\w*!',
      '\\s+$',
      '^.*x.*$',
      '^(?:x+y?)*$',
      '^a+b?a+$',
    ])
      assert.ok(trouble(regex) !== undefined, regex);
    for (const regex of ['^[0-9a-f]{64}$', '^a+b+$', '^\\d+\\.\\d+$', '^[a-z]+:[0-9]+$', 'x\\s*$', '^a{1,3}a{1,3}$'])
      assert.equal(trouble(regex), undefined, regex);
  });
});
