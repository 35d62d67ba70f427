import { describe, test } from 'node:test';
import { allowListDecider, type InviteTerms, inviteDecider } from '../../../actors/doorkeeper/decisions.js';
import { height } from '../../fixtures/blocks.js';
import { userId } from '../../fixtures/ids.js';
import { specify } from '../../support/given.js';

const given = specify(inviteDecider);
const [alice, bob, carol] = [userId('alice'), userId('bob'), userId('carol')];
const NOON = '2026-11-27T12:00:00.000Z';
const noon = Date.parse(NOON);

const terms = (about: Partial<InviteTerms> = {}): InviteTerms => ({
  uses: 1,
  expiryHeight: null,
  expiryTime: null,
  note: null,
  ...about,
});
const created = (about: Partial<InviteTerms> = {}) => ({ type: 'InviteCreated' as const, ...terms(about) });
const used = (user = alice, at = 100) => ({ type: 'InviteUsed' as const, userId: user, height: height(at) });
const revoked = { type: 'InviteRevoked' } as const;
const use = (user = alice, at = 100, now = noon) => ({ kind: 'use' as const, userId: user, height: height(at), now });
const done = { kind: 'done' } as const;
const no = (why: 'unknown' | 'used-up' | 'expired' | 'revoked') => ({ kind: 'no-entry' as const, why });

describe('an invite', () => {
  test('is made once; the same request again is answered the same, one with other terms is refused', () => {
    given()
      .when({ kind: 'create', terms: terms({ note: 'for Bob' }) })
      .gives(done, created({ note: 'for Bob' }));
    given(created({ uses: 2 }))
      .when({ kind: 'create', terms: terms({ uses: 2 }) })
      .gives(done);
    for (const other of [{ uses: 3 }, { uses: 2, expiryHeight: height(1) }, { uses: 2, expiryTime: NOON }])
      given(created({ uses: 2 }))
        .when({ kind: 'create', terms: terms(other) })
        .gives({ kind: 'other-invite' });
  });

  test('lets in as many users as it has uses, each of them once', () => {
    given().when(use()).gives(no('unknown'));
    given(created()).when(use()).gives(done, used());
    given(created(), used(alice)).when(use(bob)).gives(no('used-up'));
    given(created({ uses: 2 }), used(alice))
      .when(use(bob))
      .gives(done, used(bob));
    given(created({ uses: 2 }), used(alice), used(bob))
      .when(use(carol))
      .gives(no('used-up'));
  });

  test('lets whom it let in ask again, also when it is used up, or over', () => {
    given(created(), used(alice)).when(use(alice)).gives(done);
    given(created({ expiryHeight: height(200), expiryTime: NOON }), used(alice))
      .when(use(alice, 200, noon))
      .gives(done);
  });

  test('is no good from a height on, or from a moment on: the one before it still is', () => {
    const toHeight = created({ expiryHeight: height(200) });
    given(toHeight).when(use(alice, 199)).gives(done, used(alice, 199));
    given(toHeight).when(use(alice, 200)).gives(no('expired'));
    const toNoon = created({ expiryTime: NOON });
    given(toNoon)
      .when(use(alice, 100, noon - 1))
      .gives(done, used());
    given(toNoon)
      .when(use(alice, 100, noon))
      .gives(no('expired'));
  });

  test('that is revoked lets in nobody, whoever used it before; revoking it twice is revoking it once', () => {
    given().when({ kind: 'revoke' }).gives({ kind: 'no-invite' });
    given(created(), used(alice)).when({ kind: 'revoke' }).gives(done, revoked);
    given(created(), revoked).when({ kind: 'revoke' }).gives(done);
    for (const user of [alice, bob])
      given(created({ uses: 9 }), used(alice), revoked)
        .when(use(user))
        .gives(no('revoked'));
    given(created(), revoked).when({ kind: 'create', terms: terms() }).gives(done);
  });
});

describe('the list', () => {
  const listed = specify(allowListDecider);
  const allowed = (user: typeof alice) => ({ type: 'UserAllowed' as const, userId: user });
  const disallowed = (user: typeof alice) => ({ type: 'UserDisallowed' as const, userId: user });

  test('takes in whom it has not, each once, whoever is named twice', () => {
    listed(allowed(alice))
      .when({ kind: 'allow', userIds: [alice, bob, bob] })
      .gives({ changed: 1 }, allowed(bob));
  });

  test('lets go whom it has', () => {
    listed(allowed(alice), allowed(bob))
      .when({ kind: 'disallow', userIds: [alice, carol] })
      .gives({ changed: 1 }, disallowed(alice));
    listed(allowed(alice), disallowed(alice))
      .when({ kind: 'allow', userIds: [alice] })
      .gives({ changed: 1 }, allowed(alice));
  });
});
