import { allowListAggregate, inviteAggregate } from '../../../events/aggregate.js';
import { InviteId, type UserId } from '../../../events/ids.js';
import type { AdmittedBy, InviteCreated } from '../../../events/policy.js';
import { height } from '../../fixtures/blocks.js';
import { registered } from '../../fixtures/histories.js';
import { userId } from '../../fixtures/ids.js';
import { alice, HOUR, type Judged, judgeAll } from '../../support/judged.js';

const inviteId = InviteId.parse('ab'.repeat(16));
const invite = inviteAggregate(inviteId);
const [bob, carol] = [userId('bob'), userId('carol')];
const created = (about: Partial<InviteCreated> = {}): InviteCreated => ({
  type: 'InviteCreated',
  uses: 1,
  expiryHeight: null,
  expiryTime: null,
  note: null,
  ...about,
});
const used = (user: UserId = alice, at = 1001) => ({ type: 'InviteUsed' as const, userId: user, height: height(at) });
const revoked = { type: 'InviteRevoked' } as const;
const listed = (user: UserId = alice) => ({ type: 'UserAllowed' as const, userId: user });
const unlisted = (user: UserId = alice) => ({ type: 'UserDisallowed' as const, userId: user });

/** Somebody else registers, so that nothing else is said of it. */
const registers = (one: Judged, by: AdmittedBy, after?: number) =>
  one.newUser(bob, { ...registered(), admittedBy: by }, after);

judgeAll('invites', {
  'an invite that lets in as many as it is for': [
    (one) => {
      one.policy(invite, created({ uses: 2 }));
      one.policy(invite, used(alice));
      one.policy(invite, used(bob));
      one.policy(invite, revoked);
    },
  ],
  'one more than that': [
    (one) => {
      one.policy(invite, created());
      one.policy(invite, used(alice));
      one.policy(invite, used(bob));
    },
    /^invite: the invite is for 1, and that many were let in before$/,
  ],
  'the same user twice': [
    (one) => {
      one.policy(invite, created({ uses: 9 }));
      one.policy(invite, used(alice));
      one.policy(invite, used(alice));
    },
    /^invite: the invite let that user in before$/,
  ],
  'an invite that nobody made': [(one) => one.policy(invite, used()), /^invite: there is no such invite$/],
  'one that is made twice': [
    (one) => {
      one.policy(invite, created());
      one.policy(invite, created({ uses: 9 }));
    },
    /^invite: there is an invite of that id already$/,
  ],
  'a use after the invite was revoked, and its being revoked again': [
    (one) => {
      one.policy(invite, created());
      one.policy(invite, revoked);
      one.policy(invite, used());
      one.policy(invite, revoked);
    },
    /^invite: the invite was revoked before,invite: the invite is revoked already$/,
  ],
  'a use at the height at which it is over': [
    (one) => {
      one.policy(invite, created({ expiryHeight: height(1001) }));
      one.policy(invite, used(alice, 1001));
    },
    /^expiry: the invite was over at height 1001$/,
  ],
  'a use at the height before': [
    (one) => {
      one.policy(invite, created({ expiryHeight: height(1002) }));
      one.policy(invite, used(alice, 1001));
    },
  ],
  'a use long after its time': [
    (one) => {
      one.policy(invite, created({ expiryTime: '1970-01-01T01:00:00.000Z' }));
      one.policy(invite, used(), 2 * HOUR);
    },
    /^expiry: the invite was over at 1970-01-01T01:00:00\.000Z$/,
  ],
  'a use at a height that there is not': [
    (one) => {
      one.policy(invite, created());
      one.policy(invite, used(alice, 5000));
    },
    /^height: the log tells of no block at height 5000$/,
  ],
  'two decisions in one': [
    (one) => one.policy(invite, [created(), used()]),
    /^commit: no one decision about an invite comes to these events$/,
  ],
  'a commit on another subject': [
    (one) => one.policy(invite, created(), 60_000, allowListAggregate),
    /^subject: a commit of invite\/(ab){16} on argus\.policy\.allow-list$/,
  ],
});

judgeAll('the list', {
  'users who come and go': [
    (one) => {
      one.policy(allowListAggregate, [listed(bob), listed(carol)]);
      one.policy(allowListAggregate, [unlisted(bob)]);
      one.policy(allowListAggregate, [listed(bob)]);
    },
  ],
  'one who comes twice': [
    (one) => one.policy(allowListAggregate, [listed(bob), listed(bob)]),
    /^list: user [0-9a-f]+ is on the list$/,
  ],
  'one who goes without having come': [
    (one) => one.policy(allowListAggregate, unlisted(bob)),
    /^list: user [0-9a-f]+ is not on the list$/,
  ],
});

judgeAll('by what a user was let in', {
  'an invite that let it in': [
    (one) => {
      one.policy(invite, created());
      one.policy(invite, used(bob));
      registers(one, { inviteId });
    },
  ],
  'an invite that let in somebody else': [
    (one) => {
      one.policy(invite, created());
      one.policy(invite, used(carol));
      registers(one, { inviteId });
    },
    /^admission: invite (ab){16} never let the user in$/,
  ],
  'an invite that there is not': [
    (one) => registers(one, { inviteId }),
    /^admission: invite (ab){16} never let the user in$/,
  ],
  'an invite that was revoked long before': [
    (one) => {
      one.policy(invite, created());
      one.policy(invite, used(bob));
      one.policy(invite, revoked);
      registers(one, { inviteId }, HOUR);
    },
    /^admission: invite (ab){16} was revoked by then$/,
  ],
  'an invite that let it in only later': [
    (one) => {
      one.policy(invite, created());
      one.policy(invite, used(bob), HOUR);
      registers(one, { inviteId }, -HOUR);
    },
    /^admission: invite (ab){16} let the user in only later$/,
  ],
  'the list, on which it was': [
    (one) => {
      one.policy(allowListAggregate, listed(bob));
      registers(one, 'allow-list', HOUR);
      one.policy(allowListAggregate, unlisted(bob));
    },
  ],
  'the list, of which it was taken long before': [
    (one) => {
      one.policy(allowListAggregate, listed(bob));
      one.policy(allowListAggregate, unlisted(bob));
      registers(one, 'allow-list', HOUR);
    },
    /^admission: the user was not on the list by then$/,
  ],
  'the list, on which it never was': [
    (one) => registers(one, 'allow-list'),
    /^admission: the user was not on the list by then$/,
  ],
});
