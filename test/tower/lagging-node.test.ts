import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeAppointment, type TowerClient } from '../../actors/client/tower-client.js';
import { userAggregate } from '../../events/aggregate.js';
import { newCommit } from '../../events/commit.js';
import { EventLog } from '../../events/log/log.js';
import { appointmentId as idOf } from '../../events/signing/appointment.js';
import { Dialect } from '../../events/signing/receipts.js';
import type { UserEvent } from '../../events/user.js';
import { height } from '../fixtures/blocks.js';
import { accepted, registered, renewed } from '../fixtures/histories.js';
import { txid } from '../fixtures/ids.js';
import { type NewCommit, shard } from '../support/log.js';
import { type Held, startNatsProxy } from '../support/nats-proxy.js';
import type { Cleanup } from '../support/temp-dir.js';
import { startTestTower, untilLevel } from '../support/tower.js';

/** A node that answers while it has not heard yet what other nodes have granted: it may not say no for that. */

for (const dialect of Dialect.options)
  describe(`a node that lags behind the log does not refuse a ${dialect} client`, () => {
    test('what another node has granted', async (t) => {
      const { client, otherNode, whileBehind } = await laggingNode(t, dialect);
      const appointment = makeAppointment(dialect, txid('dispute'), new Uint8Array(100), 144);

      await otherNode(registered({ dialect, slots: 1, start: height(100) }));
      const { availableSlots } = await whileBehind(() => client.addAppointment(appointment));
      assert.equal(availableSlots, 0, 'a user that it has not heard of');

      await otherNode(renewed({ dialect, slots: 1 }));
      const another = makeAppointment(dialect, txid('another'), new Uint8Array(100), 144);
      assert.equal((await whileBehind(() => client.addAppointment(another))).availableSlots, 0, 'slots');
    });

    test('what another node has stored', async (t) => {
      const { client, otherNode, whileBehind } = await laggingNode(t, dialect);
      const { locator } = makeAppointment(dialect, txid('dispute'), new Uint8Array(100), 144);
      const appointmentId = idOf(locator, client.userId);
      await otherNode(registered({ dialect, start: height(100) }));
      const { locators } = await whileBehind(() => client.getSubscriptionInfo());
      assert.deepEqual(locators, []);
      await otherNode(accepted('dispute', { appointmentId, locator, scheme: 'teos-internal' }));
      // Its blob was never stored, which is as good a proof that the node knows the appointment.
      await assert.rejects(
        whileBehind(() => client.getAppointment(locator)),
        { reason: 'unavailable' },
      );
    });

    test('and what it does refuse, it refuses in the words of that client', async (t) => {
      const { client, otherNode, whileBehind } = await laggingNode(t, dialect);
      await otherNode(registered({ dialect, slots: 0, start: height(100) }));
      const appointment = makeAppointment(dialect, txid('dispute'), new Uint8Array(100), 144);
      await assert.rejects(
        whileBehind(() => client.addAppointment(appointment)),
        { reason: 'not-enough-slots', errorCode: dialect === 'python' ? -8 : 7 },
      );
    });
  });

/** The one node that answers, whose view of the log can be held up, and a hand that writes as another node would. */
async function laggingNode(t: Cleanup, dialect: Dialect) {
  const tower = await startTestTower(t, { begin: false });
  const line = await startNatsProxy(t, tower.nats.port);
  const node = await tower.startNode('far', line.url);
  await untilLevel(() => node, tower.chain);
  const client: TowerClient = await tower.newClient(dialect);
  const log = await EventLog.open(await tower.nats.connect('node'));
  let held: Held | undefined;
  const otherNode = async (event: UserEvent) => {
    held = line.holdDeliveries();
    const user = userAggregate(client.userId);
    const commit = newCommit(user, [event], 'other', Date.now()) as NewCommit;
    const expected = (await log.last(user, shard))?.position ?? 0;
    assert.equal((await log.append(commit, { shard, expected, patience: 10_000 })).kind, 'appended');
  };
  /** Asks, and lets the node hear of what happened only when it has had the time to answer without. */
  const whileBehind = async <T>(ask: () => Promise<T>): Promise<T> => {
    const answer = ask();
    await Promise.race([answer.catch(() => undefined), sleep(300)]);
    held?.release();
    return answer;
  };
  return { client, otherNode, whileBehind };
}
