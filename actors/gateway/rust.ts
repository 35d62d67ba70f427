import { notAdmitted, tooMany, USERS_FULL } from './admission-words.js';
import type { Told, Words } from './dialect.js';
import type { Operation } from './requests.js';
import { fieldFault } from './rust-fields.js';

/** The rust generation's numbers and texts (teos-protocol A4 to A9): codes 0 to 255, 401 for users and subscriptions. */
export const rust: Words = {
  malformed(operation, fault, limits) {
    switch (fault.kind) {
      // The rust tower says these three in plain text, which its own plugin cannot decode (D4).
      case 'wrong-content-type':
        return { status: 415, code: 6, text: 'The content type has to be application/json' };
      case 'too-long':
        return { status: 413, code: 6, text: `The request is longer than ${fault.most} bytes` };
      case 'not-json':
        return { status: 400, code: 6, text: 'The request is not JSON' };
      case 'not-an-object':
        return { status: 400, code: 3, text: 'invalid type: the request is not a JSON object' };
      case 'fields':
        return fieldFault(operation, fault.json, limits);
    }
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
      case 'receipt-replaced':
        return { status: 404, code: 36, text: 'The receipt is not of the appointment as it is now' };
      case 'head-not-found':
        return { status: 404, code: 36, text: `There is no tree head of size ${refusal.size}` };
      case 'not-under-head':
        return { status: 404, code: 36, text: `There is no tree head over position ${refusal.position} yet` };
      case 'max-slots-reached':
        return { status: 400, code: 65, text: 'Subscription maximum slots count reached' };
      case 'other-dialect':
        return { status: 400, code: 5, text: OTHER_DIALECT };
      case 'invite-required':
      case 'invite-refused':
      case 'not-allowed':
        return { status: 401, code: 7, text: notAdmitted(refusal) };
      case 'user-limit-reached':
        return { status: 400, code: 65, text: USERS_FULL };
      case 'rate-limited':
        return { ...laterFor(operation), text: tooMany(refusal) };
      case 'proof-unavailable':
      case 'appointment-limit-reached':
      case 'shard-not-served':
      case 'unavailable':
        return laterFor(operation);
    }
  },
};

const OTHER_DIALECT = 'Provided user_id is registered by a client of the python generation (as public_key)';
const UNAVAILABLE = 'Service currently unavailable';

/**
 * "Come again" as either generation understands it, whoever it is: the python plugin goes by the status and retries; the
 * rust plugin goes by the code. On 32, which its own tower gives, it files the appointment as invalid for ever (D4); on 7
 * it keeps it, registers again and retries.
 */
export const comeAgain: Told = { status: 503, code: 7, text: UNAVAILABLE };

/** For `add_appointment`, what makes the plugin keep the appointment; for all else, what its own tower says. */
const laterFor = (operation: Operation): Told =>
  operation === 'add_appointment' ? comeAgain : { status: 503, code: 32, text: UNAVAILABLE };

const UNKNOWN_USER: Readonly<Record<Operation, string>> = {
  register: 'User cannot be authenticated',
  add_appointment: 'Invalid signature or user does not have enough slots available',
  delete_appointment: 'User cannot be authenticated',
  get_appointment: 'User cannot be authenticated',
  get_proof: 'User cannot be authenticated',
  get_subscription_info: 'User not found. Have you registered?',
};
