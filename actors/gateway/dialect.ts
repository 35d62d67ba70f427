import type { Dialect } from '../../events/signing/receipts.js';
import type { Refusal } from '../outcomes.js';
import type { Fault, FieldLimits } from './faults.js';
import { python } from './python.js';
import type { Operation } from './requests.js';
import { rust } from './rust.js';

/** How one generation of clients is told no: statuses, numbers, texts and bodies (teos-protocol A4 to A9). */
export interface Words {
  /** What is wrong with a request that cannot be read, as that generation's own tower would say it. */
  malformed(operation: Operation, fault: Fault, limits: FieldLimits): Told;
  /** `locator` is the one asked for, as it was sent. */
  refused(operation: Operation, refusal: Refusal, locator?: unknown): Told;
}

export interface Told {
  readonly status: number;
  /** Left out where that generation gives none. */
  readonly code?: number;
  readonly text: string;
  /** The body, where it is not `{error, error_code}`. */
  readonly body?: object;
}

export const words: Readonly<Record<Dialect, Words>> = { python, rust };
