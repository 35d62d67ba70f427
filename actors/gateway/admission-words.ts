import type { Refusal } from '../outcomes.js';

/** What neither of the towers that exist ever says, in the same words for both generations; the numbers are each one's own. */

type Of<Kind extends Refusal['kind']> = Extract<Refusal, { readonly kind: Kind }>;

const WHY_NOT = {
  unknown: 'there is no such invite',
  'used-up': 'the invite is used up',
  expired: 'the invite has expired',
  revoked: 'the invite was revoked',
} as const;

export function notAdmitted(refusal: Of<'invite-required' | 'invite-refused' | 'not-allowed'>): string {
  switch (refusal.kind) {
    case 'invite-required':
      return 'This tower takes new users by invite only';
    case 'invite-refused':
      return `This tower takes new users by invite only, and ${WHY_NOT[refusal.why]}`;
    case 'not-allowed':
      return 'This tower takes only the users that its operator allows';
  }
}

export const USERS_FULL = 'This tower takes no more users';

export const tooMany = ({ retryMs }: Of<'rate-limited'>): string =>
  `Too many requests: come again in ${Math.ceil(retryMs / 1000)} s`;
