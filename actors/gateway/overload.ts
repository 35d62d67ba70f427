import type { Dialect } from '../../events/signing/receipts.js';
import { type Answer, refusedWith } from './answers.js';
import { words } from './dialect.js';
import type { Caller } from './gateway.js';
import type { RateLimited } from './rate-limiter.js';
import type { Operation } from './requests.js';

/** What it is told when it, or its source, asks more often than it may. */
export const limited = (operation: Operation, refusal: RateLimited, dialect: Dialect): Answer => ({
  ...refusedWith(refusal.kind, words[dialect].refused(operation, refusal)),
  retryMs: refusal.retryMs,
});

/**
 * Who asks is not known yet, and a rust client that is taken for a python one loses its appointment by an answer without a code:
 * what a rust client is told to come again with, a python client understands, too.
 */
export const cautious = (operation: Operation, { certain, dialect }: Caller): Dialect =>
  operation === 'add_appointment' && !certain ? 'rust' : dialect;
