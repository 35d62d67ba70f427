import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Dialect } from '../../events/signing/receipts.js';
import { policyOf } from '../support/policy.js';
import { startTestTower } from '../support/tower.js';
import { verified } from '../support/verified.js';

for (const dialect of Dialect.options) {
  const refused = dialect === 'python' ? { status: 400, errorCode: -8 } : { status: 401, errorCode: 7 };

  describe(`the operator's list, and a ${dialect} client`, () => {
    test('where it is what counts: it is changed while the tower runs, and holds on every node at once', async (t) => {
      const tower = await startTestTower(t, { settings: { 'registration.policy': 'allow' } });
      await tower.startNode('two');
      const { allow, disallow } = await policyOf(tower);
      const [alice, bob] = [await tower.newClient(dialect), await tower.newClient(dialect)];
      const no = { reason: 'not-allowed', ...refused };
      for (let round = 0; round < 4; round++) {
        await assert.rejects(alice.register(), no);
        assert.deepEqual(await allow(alice.userId, bob.userId), { changed: 2 });
        assert.deepEqual(await allow(alice.userId), { changed: 0 });
        await alice.register();
        assert.deepEqual(await disallow(alice.userId, bob.userId), { changed: 2 });
      }
      // It keeps what it has, and no more comes to it.
      await assert.rejects(alice.register(), no);
      assert.equal((await alice.getSubscriptionInfo()).available_slots, 40_000);
      await assert.rejects(bob.register(), no);
      await tower.restartNode();
      await allow(bob.userId);
      await bob.register();
      assert.deepEqual((await verified(tower.nats, tower.key.towerId)).findings, []);
    });

    test('where invites count: who is on it needs none', async (t) => {
      const tower = await startTestTower(t, { settings: { 'registration.policy': 'invite' } });
      const { allow } = await policyOf(tower);
      const client = await tower.newClient(dialect);
      await assert.rejects(client.register(), { reason: 'invite-required', ...refused });
      await allow(client.userId);
      await client.register();
    });

    test('where everybody may register it says nothing', async (t) => {
      const tower = await startTestTower(t);
      assert.equal((await (await tower.newClient(dialect)).info()).registration_policy, 'open');
      await (await tower.newClient(dialect)).register();
    });
  });
}
