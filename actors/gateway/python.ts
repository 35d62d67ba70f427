import type { Operation, Told, Words } from './dialect.js';
import type { Problem } from './requests.js';

/** The python generation's numbers and texts (teos-protocol A4 to A9): negative codes, 400 for what is the client's fault. */
export const python: Words = {
  malformed(operation, problem) {
    if (operation === 'register') return { status: 400, ...registration(problem) };
    const prefix = operation === 'add_appointment' ? 'appointment rejected. ' : '';
    return { status: 400, code: CODES[problem.kind], text: `${prefix}${problem.text}` };
  },

  refused(operation, refusal) {
    switch (refusal.kind) {
      case 'authentication-failed':
        return operation === 'add_appointment' ? badSignatureOrSlots : unknownUser(operation);
      case 'not-enough-slots':
        return badSignatureOrSlots;
      case 'subscription-expired': {
        const prefix = operation === 'add_appointment' ? 'appointment rejected. ' : '';
        return { status: 400, code: -8, text: `${prefix}Your subscription expired at block ${refusal.expiry}` };
      }
      case 'already-triggered':
        return {
          status: 400,
          code: -9,
          text: 'appointment rejected. The provided appointment has already been triggered',
        };
      case 'appointment-not-found':
        return { status: 404, text: 'Appointment not found' };
      case 'max-slots-reached':
        return { status: 400, code: -34, text: 'Maximum slots reached for the subscription' };
      case 'appointment-limit-reached':
        return { status: 503, text: 'appointment rejected' };
      case 'unavailable':
        return { status: 503, text: 'Service unavailable' };
    }
  },
};

const CODES: Readonly<Record<Problem['kind'], number>> = {
  'not-json': -65,
  'not-an-object': -65,
  'too-long': -65,
  missing: -1,
  empty: -1,
  'wrong-type': -2,
  'wrong-size': -3,
  'wrong-format': -4,
  'too-small': -5,
  'too-big': -6,
};

const badSignatureOrSlots: Told = {
  status: 400,
  code: -8,
  text: 'appointment rejected. Invalid signature or user does not have enough slots available',
};

const unknownUser = (operation: Operation): Told =>
  operation === 'get_appointment'
    ? { status: 404, text: 'Appointment not found' }
    : { status: 400, code: -8, text: 'User not found. Have you registered?' };

function registration({ kind, text }: Problem): { code: number; text: string } {
  if (CODES[kind] === -65) return { code: -65, text };
  if (kind === 'missing' || kind === 'empty') return { code: -33, text: 'public_key not found in register message' };
  return { code: -34, text: 'Provided public key does not match expected format (33-byte hex string)' };
}
