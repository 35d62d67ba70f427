import { notAdmitted, tooMany, USERS_FULL } from './admission-words.js';
import type { Told, Words } from './dialect.js';
import { addAppointmentFault, registerFault } from './python-fields.js';
import type { Operation } from './requests.js';

/** The python generation's numbers and texts (teos-protocol A4 to A9): negative codes, 400 for what is the client's fault. */
export const python: Words = {
  malformed(operation, fault, limits) {
    switch (fault.kind) {
      case 'wrong-content-type':
        return { status: 400, code: -65, text: 'Request is not json encoded' };
      // Bytes that are no JSON get a page of HTML from the python tower, which makes its own plugin fail (D3).
      case 'not-json':
      case 'not-an-object':
        return { status: 400, code: -65, text: 'Invalid request content' };
      // The python tower has no limit; 413 would make its plugin fail.
      case 'too-long':
        return { status: 400, code: -65, text: `Invalid request content: more than ${fault.most} bytes` };
      case 'fields':
        return fieldFault[operation](fault.json, limits);
    }
  },

  refused(operation, refusal, locator) {
    switch (refusal.kind) {
      case 'authentication-failed':
        return unknownUser(operation, locator);
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
          text: `${operation === 'delete_appointment' ? 'deletion' : 'appointment'} rejected. The provided appointment has already been triggered`,
        };
      case 'appointment-not-found':
        return notFound(locator);
      case 'receipt-replaced':
        return { status: 404, text: 'deletion rejected. The receipt is not of the appointment as it is now' };
      case 'head-not-found':
        return { status: 404, text: `There is no tree head of size ${refusal.size}` };
      case 'not-under-head':
        return { status: 404, text: `There is no tree head over position ${refusal.position} yet` };
      case 'max-slots-reached':
        return { status: 400, code: -34, text: 'Maximum slots reached for the subscription' };
      case 'other-dialect':
        return { status: 400, code: -34, text: OTHER_DIALECT };
      case 'invite-required':
      case 'invite-refused':
      case 'not-allowed':
        return { status: 400, code: -8, text: notAdmitted(refusal) };
      case 'user-limit-reached':
        return { status: 503, text: USERS_FULL };
      case 'rate-limited':
        return { status: 503, text: tooMany(refusal) };
      case 'appointment-limit-reached':
        return { status: 503, text: 'appointment rejected' };
      case 'proof-unavailable':
      case 'shard-not-served':
      case 'unavailable':
        return { status: 503, text: 'Service unavailable' };
    }
  },
};

/** What the fields of each request can lack. A bad locator is not found, and a signature that is none is nobody's. */
const fieldFault: Record<Operation, (...args: Parameters<typeof addAppointmentFault>) => Told> = {
  register: (json) => registerFault(json),
  add_appointment: (json, limits) => addAppointmentFault(json, limits) ?? badSignatureOrSlots,
  get_appointment: (json) => notFound(json.locator),
  delete_appointment: () => ({ status: 400, code: -65, text: 'Invalid request content' }),
  get_proof: () => ({ status: 400, code: -65, text: 'Invalid request content' }),
  get_subscription_info: () => unknownUser('get_subscription_info', undefined),
};

const OTHER_DIALECT = 'Provided public key is registered by a client of the rust generation (as user_id)';

const badSignatureOrSlots: Told = {
  status: 400,
  code: -8,
  text: 'appointment rejected. Invalid signature or user does not have enough slots available',
};

/** The same for a bad locator, an unknown user and an unknown appointment: nobody learns who has what (A6). */
const notFound = (locator: unknown): Told => ({
  status: 404,
  text: 'Appointment not found',
  body: { locator: locator ?? null, status: 'not_found' },
});

function unknownUser(operation: Operation, locator: unknown): Told {
  if (operation === 'add_appointment') return badSignatureOrSlots;
  if (operation === 'get_appointment') return notFound(locator);
  return { status: 400, code: -8, text: 'User not found. Have you registered?' };
}
