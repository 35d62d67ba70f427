import type { Chance } from '../model/chance.js';
import { oneOf } from './settings.js';

/** Bytes without any structure, and bytes that had some. */

export function noise(chance: Chance, most: number): Buffer {
  const bytes = Buffer.allocUnsafe(chance.below(most + 1));
  for (let at = 0; at < bytes.length; at++) bytes[at] = chance.below(256);
  return bytes;
}

/** What a parser may take for a mark of its own. */
const MARKS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ':',
  ',',
  '\0',
  '\r\n',
  '\r\n\r\n',
  '\ufeff',
  '\xff',
  '-',
  '1e999',
  '.',
  '__proto__',
];

/** The same with a few bytes changed, taken away, put in or repeated. */
export function mutated(bytes: Buffer, chance: Chance): Buffer {
  let changed = Buffer.from(bytes);
  for (let n = 1 + chance.below(3); n > 0; n--) {
    const at = chance.below(changed.length + 1);
    const end = Math.min(changed.length, at + 1 + chance.below(16));
    switch (chance.below(6)) {
      case 0:
        if (at < changed.length) changed[at] = chance.below(256);
        break;
      case 1:
        if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << chance.below(8));
        break;
      case 2:
        changed = changed.subarray(0, at);
        break;
      case 3:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(end)]);
        break;
      case 4:
        changed = Buffer.concat([
          changed.subarray(0, at),
          Buffer.from(oneOf(chance, MARKS), 'latin1'),
          changed.subarray(at),
        ]);
        break;
      default:
        changed = Buffer.concat([changed.subarray(0, end), changed.subarray(at)]);
    }
  }
  return changed;
}
