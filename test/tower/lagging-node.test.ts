import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeAppointment } from '../../actors/client/tower-client.js';
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

for (const dialect of Dialect.options)
  test(`a node that has not heard yet what other nodes granted does not refuse it (${dialect} client)`, async (t) => {
    const newClient = await laggingNode(t, dialect);
    const appointment = makeAppointment(dialect, txid('one'), new Uint8Array(100), 144);
    const start = height(100);

    await t.test('a user, and its slots', async () => {
      const { client, otherNode, whileBehind } = await newClient();
      await otherNode(registered({ dialect, slots: 1, start }));
      assert.equal((await whileBehind(() => client.addAppointment(appointment))).availableSlots, 0);
      await otherNode(renewed({ dialect, slots: 1 }));
      const another = makeAppointment(dialect, txid('two'), new Uint8Array(100), 144);
      assert.equal((await whileBehind(() => client.addAppointment(another))).availableSlots, 0);
    });

    await t.test('a subscription, and an appointment', async () => {
      const { client, otherNode, whileBehind } = await newClient();
      await otherNode(registered({ dialect, start }));
      assert.deepEqual((await whileBehind(() => client.getSubscriptionInfo())).locators, []);
      const { locator } = appointment;
      const appointmentId = idOf(locator, client.userId);
      await otherNode(accepted('one', { appointmentId, locator }));
      // That its blob was never stored is as good a proof that the node knows the appointment.
      await assert.rejects(
        whileBehind(() => client.getAppointment(locator)),
        { reason: 'unavailable' },
      );
    });

    await t.test('and what it does refuse, it refuses in the words of that client', async () => {
      const { client, otherNode, whileBehind } = await newClient();
      await otherNode(registered({ dialect, slots: 0, start }));
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
  const node = await tower.startNode('far', { natsUrl: line.url });
  await untilLevel(() => node, tower.chain);
  const log = await EventLog.open(await tower.nats.connect('node'));
  let held: Held | undefined;
  return async () => {
    const client = await tower.newClient(dialect);
    const user = userAggregate(client.userId);
    const otherNode = async (event: UserEvent) => {
      held = line.holdDeliveries();
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
  };
}
