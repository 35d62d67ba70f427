import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Register } from '../../../actors/gatekeeper/decisions.js';
import { InviteId, TowerId } from '../../../events/ids.js';
import { signerIs } from '../../../events/signing/message.js';
import { Dialect, registrationReceipt } from '../../../events/signing/receipts.js';
import type { UserEvent } from '../../../events/user.js';
import { height } from '../../fixtures/blocks.js';
import { accepted, ended, outdated, registered } from '../../fixtures/histories.js';
import { exchange } from '../../fixtures/teos-vectors.js';
import { add, given, register, remove, user } from './commands.js';

const eachTime = { because: 'every registration gives slots and time anew' };
const towerId = TowerId.parse(exchange.towerId);

/** What a registration is answered with, once its one event is found to say the same and its receipt to be the tower's. */
function answerOf(history: readonly UserEvent[], command: Register) {
  const { outcome, events } = given(...history).when(command, eachTime);
  assert.ok(outcome.kind === 'registered');
  const { kind: _, ...said } = outcome;
  const known = history.length > 0 && history.at(-1)?.type !== 'SubscriptionOutdated';
  const type = known ? 'SubscriptionRenewed' : 'UserRegistered';
  assert.deepEqual(events, [{ type, slotsAdded: command.slots, ...said }]);
  const receipt = registrationReceipt(command.dialect, { userId: user, ...said });
  assert.ok(signerIs(receipt, said.receiptSignature, towerId));
  const { slots, start, expiry } = said;
  return { said: { slots, start, expiry }, history: [...history, ...events] };
}

describe('registering', () => {
  for (const dialect of Dialect.options) {
    test(`a new user of the ${dialect} dialect: the slots, the expiry and the receipt of the vectors`, () => {
      const { slots, start, expiry, registrationSignature: receiptSignature } = exchange[dialect];
      const subscription = { dialect, slots, start: height(start), expiry: height(expiry), receiptSignature };
      given()
        .when(register(start, { dialect, slots, duration: expiry - start }), eachTime)
        .gives({ kind: 'registered', ...subscription }, { type: 'UserRegistered', slotsAdded: slots, ...subscription });
    });

    test(`a user of the ${dialect} dialect again, one block later: slots and expiry accumulate, the start stays`, () => {
      const terms = { dialect, slots: 21, duration: 500 };
      const first = answerOf([], register(100, terms));
      assert.deepEqual(first.said, { slots: 21, start: 100, expiry: 600 });
      const second = answerOf(first.history, register(101, terms));
      assert.deepEqual(second.said, { slots: 42, start: 100, expiry: 1100 });
    });
  }

  test('twice in one block: the expiry moves each time, as rust clients demand', () => {
    const first = answerOf([], register(100));
    const second = answerOf(first.history, register(100));
    const third = answerOf(second.history, register(100));
    assert.deepEqual(
      [first, second, third].map(({ said }) => said.expiry),
      [1100, 2100, 3100],
    );
  });

  test('what was spent stays spent: a renewal adds to what is left', () => {
    const spent = [registered(), accepted('channel', { slotsLeft: 40 })];
    assert.equal(answerOf(spent, register(1500)).said.slots, 140);
  });

  test('with the other field is refused as long as the subscription lives, since nobody proves that a key is theirs', () => {
    for (const [dialect, other] of [
      ['python', 'rust'],
      ['rust', 'python'],
    ] as const) {
      const refusal = { kind: 'other-dialect', dialect } as const;
      for (const at of [1500, 2003])
        given(registered({ dialect }))
          .when(register(at, { dialect: other }))
          .gives(refusal);
      const forgotten = [registered({ dialect }), outdated(2006)];
      assert.equal(answerOf(forgotten, register(2010, { dialect: other })).said.start, 2010);
    }
  });

  test('an expired user comes back with what it had', () => {
    const { said } = answerOf([registered()], register(2003));
    assert.deepEqual(said, { slots: 200, start: 1000, expiry: 3000 });
  });

  test('an outdated user begins anew', () => {
    const forgotten = [registered(), accepted('channel'), ended('channel', 'expired'), outdated(2006)];
    const { said } = answerOf(forgotten, register(2010));
    assert.deepEqual(said, { slots: 100, start: 2010, expiry: 3010 });
  });

  test('2^32 - 1 slots are the most: a registration that reaches them passes, one beyond is refused', () => {
    const last = answerOf([registered({ slots: 0xffffffff - 100 })], register(1500));
    assert.equal(last.said.slots, 0xffffffff);
    const refusal = { kind: 'max-slots-reached' } as const;
    given(...last.history)
      .when(register(1500))
      .gives(refusal);
    given(registered({ slots: 0xffffffff - 99 }))
      .when(register(1500))
      .gives(refusal);
  });

  test('an expiry stops at the last height that 32 bits hold', () => {
    const forEver = answerOf([], register(1000, { duration: 0xffffffff }));
    assert.equal(forEver.said.expiry, 0xffffffff);
    assert.equal(answerOf(forEver.history, register(1001)).said.expiry, 0xffffffff);
  });
});

describe('a registration where not everybody may', () => {
  const [at, limit] = [1500, 7];

  test('says on the log by what a newcomer was let in, and nothing of it of a renewal', () => {
    const inviteId = InviteId.parse('ab'.repeat(16));
    for (const by of [{ inviteId }, 'allow-list'] as const) {
      const command = register(at, { admission: { kind: 'admitted', by } });
      const [event] = given().when(command, eachTime).events;
      assert.ok(event?.type === 'UserRegistered');
      assert.deepEqual(event.admittedBy, by);
      const [renewal] = given(registered()).when(command, eachTime).events;
      assert.ok(renewal && !('admittedBy' in renewal));
    }
  });

  test('what is for a renewal alone makes no new subscription, should the old one have ended meanwhile', () => {
    const { outcome } = given(registered(), outdated(2006)).when(register(2010, { admission: 'renewal' }));
    assert.equal(outcome.kind, 'unavailable');
    answerOf([registered()], register(at, { admission: 'renewal' }));
  });

  test('refuses newcomers when there are as many users as may be, and renews all who are there', () => {
    const refusal = { kind: 'user-limit-reached', limit } as const;
    for (const history of [[], [registered(), outdated(1400)]])
      given(...history)
        .when(register(at, { full: true, limit }))
        .gives(refusal);
    answerOf([registered()], register(at, { full: true, limit }));
  });

  test('gives no user more slots than it may have, to the slot', () => {
    answerOf([registered({ slots: 100 })], register(at, { mostSlots: 200 }));
    given(registered({ slots: 101 }))
      .when(register(at, { mostSlots: 200 }))
      .gives({ kind: 'max-slots-reached' });
  });
});

describe('a user of a tower that has another identity', () => {
  const later = TowerId.parse(`02${'11'.repeat(32)}`);
  const newest = `03${'22'.repeat(32)}` as TowerId;
  /** A signature that says by whom it is. */
  const by = (identity?: TowerId) => (identity === undefined ? 'y' : identity === later ? 'b' : 'n').repeat(104);
  const sign: Register['sign'] = (_, identity) => by(identity);
  const byWhom = (events: readonly UserEvent[]) =>
    events.flatMap((event) => ('receiptSignature' in event ? [event.receiptSignature] : []));
  const isOf = (event: UserEvent) => event.type === 'UserRegistered' && event.identity;

  test('has the one that it registered with, for receipts of all kinds and for ever', () => {
    const fresh = given().when(register(1000, { identity: later, sign }), eachTime);
    assert.deepEqual([byWhom(fresh.events), fresh.events.map(isOf)], [[by(later)], [later]]);
    for (const identity of [later, undefined]) {
      const history = [registered(identity ? { identity } : {}), accepted('channel')];
      const command = { identity: newest, sign };
      const renewal = given(...history).when(register(1001, command), eachTime);
      assert.deepEqual(byWhom(renewal.events), [by(identity)]);
      const adding = given(...history, ...renewal.events).when(add('other', { sign }), eachTime);
      assert.deepEqual(byWhom(adding.events), [by(identity)]);
      const deleting = given(...history).when(remove('channel', { sign }), eachTime);
      const [event] = deleting.events;
      assert.equal(event?.type === 'AppointmentEnded' && event.deletion?.receiptSignature, by(identity));
      const again = given(...history, outdated(2010)).when(register(3000, command), eachTime);
      assert.deepEqual([byWhom(again.events), again.events.map(isOf)], [[by(identity)], [identity]]);
    }
  });
});
