import { CommanderError } from 'commander';
import type { z } from 'zod';

/** What is given on the command line, checked before anybody is asked. */

/** Ends the command with status 2, and says why. */
export const notUnderstood = (message: string): CommanderError => new CommanderError(2, 'argus.argument', message);

/** A text as what it is to be; `name` says of what is complained. Throws `CommanderError`. */
export function parseArgument<Shape extends z.ZodType>(
  shape: Shape,
  text: string | undefined,
  name?: string,
): z.output<Shape> {
  const parsed = shape.safeParse(text);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues[0]?.message ?? 'not well formed';
  throw notUnderstood(name === undefined ? why : `${name}: ${why}`);
}

/** The number that an option takes. Throws `CommanderError`. */
export function wholeNumber(name: string, text: string | undefined, most: number, least = 0): number {
  const number = /^\d{1,10}$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw notUnderstood(`${name} takes a whole number${least > 0 ? ` from ${least}` : ''} up to ${most}`);
}
