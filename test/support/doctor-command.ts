import assert from 'node:assert/strict';
import { z } from 'zod';
import { type ArgusOptions, argus } from './argus.js';

const Finding = z.strictObject({
  area: z.string(),
  state: z.enum(['ok', 'warning', 'problem', 'unknown']),
  what: z.string(),
  cure: z.string().nullable(),
});
const Diagnosis = z.strictObject({ ok: z.boolean(), findings: z.array(Finding) });

/** What `argus doctor` says, as lines `<state> <area>: <what> -> <cure>`; its exit status has to fit. */
export async function diagnose(args: readonly string[], options: ArgusOptions = {}): Promise<string[]> {
  const { status, stdout, stderr } = await argus(['doctor', '--json', ...args], options);
  assert.equal(stderr, '');
  const { ok, findings } = Diagnosis.parse(JSON.parse(stdout));
  assert.equal(status, ok ? 0 : 1);
  assert.equal(ok, !findings.some(({ state }) => state === 'problem'));
  return findings.map(
    ({ state, area, what, cure }) => `${state} ${area}: ${what}${cure === null ? '' : ` -> ${cure}`}`,
  );
}

/** The lines about one area, or with one state. */
export const linesOf = (lines: readonly string[], word: string): string[] =>
  lines.filter((line) => line.startsWith(`${word} `) || line.split(' ')[1] === `${word}:`);

/** Finds one line that matches; fails with all of them if there is none. */
export function has(lines: readonly string[], pattern: RegExp): void {
  assert.ok(
    lines.some((line) => pattern.test(line)),
    `${pattern}\n  ${lines.join('\n  ')}`,
  );
}
