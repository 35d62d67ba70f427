import type { Dialect } from '../../events/signing/receipts.js';
import type { Refusal } from '../outcomes.js';
import { type Answer, refusedWith } from './answers.js';
import { words } from './dialect.js';
import type { Caller } from './gateway.js';
import type { RateLimited } from './rate-limiter.js';
import type { Operation } from './requests.js';

/** What a client is told when there is more to be done than the tower does: to come again, in the words of its generation. */
export const overloaded = (operation: Operation, caller: Guess): Answer => later(operation, caller, 'too much to do');

/** What it is told when its request may have been said long ago. */
export const late = (operation: Operation, caller: Guess): Answer => later(operation, caller, 'the tower stood still');

/** What it is told when it, or its source, asks more often than it may. */
export const limited = (operation: Operation, refusal: RateLimited, dialect: Dialect): Answer => ({
  ...refusedWith(refusal.kind, words[dialect].refused(operation, refusal)),
  retryMs: refusal.retryMs,
});

function later(operation: Operation, caller: Guess, why: string): Answer {
  const told = words[cautious(operation, caller)].refused(operation, { kind: 'unavailable', why });
  return refusedWith('unavailable', told);
}

/**
 * Who asks is not known yet, and a rust client that is taken for a python one loses its appointment by an answer without a code:
 * what a rust client is told to come again with, a python client understands, too.
 */
export const cautious = (operation: Operation, { certain, dialect }: Guess): Dialect =>
  operation === 'add_appointment' && !certain ? 'rust' : dialect;

/** Whether a refusal says no more than "not now". */
export const isForNow = ({ kind }: Refusal): boolean => FOR_NOW.has(kind);
const FOR_NOW: ReadonlySet<Refusal['kind']> = new Set([
  'appointment-limit-reached',
  'proof-unavailable',
  'rate-limited',
  'shard-not-served',
  'unavailable',
]);

type Guess = Pick<Caller, 'certain' | 'dialect'>;
