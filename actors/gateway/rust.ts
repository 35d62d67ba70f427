import type { Words } from './dialect.js';
import type { Problem } from './requests.js';

/** The rust generation's numbers and texts (teos-protocol A4 to A9): codes 0 to 255, 401 for users and subscriptions. */
export const rust: Words = {
  malformed(_, { kind, text }) {
    return { status: kind === 'too-long' ? 413 : 400, code: CODES[kind], text };
  },

  refused(operation, refusal) {
    switch (refusal.kind) {
      case 'authentication-failed':
        return { status: 401, code: 7, text: UNKNOWN_USER[operation] };
      case 'not-enough-slots':
        return { status: 401, code: 7, text: UNKNOWN_USER.add_appointment };
      case 'subscription-expired':
        return { status: 401, code: 7, text: `Your subscription expired at ${refusal.expiry}` };
      case 'already-triggered':
        return { status: 400, code: 35, text: 'The provided appointment has already been triggered' };
      case 'appointment-not-found':
        return { status: 404, code: 36, text: 'Appointment not found' };
      case 'max-slots-reached':
        return { status: 400, code: 65, text: 'Subscription maximum slots count reached' };
      case 'appointment-limit-reached':
      case 'unavailable':
        return { status: 503, code: 32, text: 'Service currently unavailable' };
    }
  },
};

const CODES: Readonly<Record<Problem['kind'], number>> = {
  missing: 1,
  empty: 2,
  'wrong-type': 3,
  'wrong-size': 4,
  'wrong-format': 5,
  'not-json': 6,
  'not-an-object': 6,
  'too-long': 6,
  'too-small': 33,
  'too-big': 34,
};

const UNKNOWN_USER = {
  register: 'User cannot be authenticated',
  add_appointment: 'Invalid signature or user does not have enough slots available',
  get_appointment: 'User cannot be authenticated',
  get_subscription_info: 'User not found. Have you registered?',
} as const;
