import type { Told } from './dialect.js';

/** What can be wrong with a request before anybody is asked whether it may be granted. */
export type Fault =
  | { readonly kind: 'not-json' | 'not-an-object' | 'wrong-content-type' }
  /** Longer than it may be, in bytes. */
  | { readonly kind: 'too-long'; readonly most: number }
  /** A field is missing or is not what it must be: each generation looks for the first one in its own order. */
  | { readonly kind: 'fields'; readonly json: Readonly<Record<string, unknown>> };

/** What the operator allows. */
export interface FieldLimits {
  readonly maxBlobBytes: number;
  /** The smallest to_self_delay taken from a python client, in blocks. */
  readonly minToSelfDelay: number;
}

/** How many characters of a value a text or a line of the logs may repeat. */
const MOST_SHOWN = 64;

/** A value that came from outside, cut to a length that does nobody harm. */
export const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}...`;
};

/** Looks at one thing after another, as a generation does, and gives the first that is told. */
export function firstOf(...checks: (() => Told | undefined | false)[]): Told | undefined {
  for (const check of checks) {
    const told = check();
    if (told) return told;
  }
  return undefined;
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
