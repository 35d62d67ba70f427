import type { Dialect } from '../../events/signing/receipts.js';
import type { Refusal } from '../outcomes.js';
import { python } from './python.js';
import type { Problem } from './requests.js';
import { rust } from './rust.js';

/** How one generation of clients is told no: numbers and HTTP statuses (teos-protocol A4 to A9). */
export interface Words {
  malformed(operation: Operation, problem: Problem): Told;
  refused(operation: Operation, refusal: Refusal): Told;
}

export type Operation = 'register' | 'add_appointment' | 'get_appointment' | 'get_subscription_info';

/** `code` is left out where that generation gets none. */
export interface Told {
  readonly status: number;
  readonly code?: number;
  readonly text: string;
}

export const words: Readonly<Record<Dialect, Words>> = { python, rust };
