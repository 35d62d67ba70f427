import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TowerUnavailableError } from '../../actors/client/errors.js';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { Txid } from '../../events/ids.js';
import { untilGranting } from '../support/granting.js';
import { type NatsProxy, startNatsProxy } from '../support/nats-proxy.js';
import { secretKey, startTestTower } from '../support/tower.js';

/** A connection outlives a cut of some seconds, and then delivers what was said meanwhile. */
test('what was said to a node while its line was cut is not carried out when it arrives', async (t) => {
  let line: NatsProxy | undefined;
  const through = async (port: number) => {
    line = await startNatsProxy(t, port);
    return line.url;
  };
  const tower = await startTestTower(t, { through });
  const user = { secretKey: secretKey() };
  const client = await tower.newClient('rust', { ...user, timeoutMs: 20_000 });
  const hasty = await tower.newClient('rust', { ...user, timeoutMs: 2_500 });
  await client.register();
  const appointments = [1, 2, 3, 4].map((i) =>
    makeAppointment('rust', Txid.parse(`${i}`.repeat(64)), new Uint8Array(100), 144),
  );
  const mend = line?.stall();
  const asked = await Promise.allSettled(appointments.map((appointment) => hasty.addAppointment(appointment)));
  for (const outcome of asked)
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof TowerUnavailableError);
  await sleep(1_000);
  mend?.();
  // On the same line, so that it is answered after what was asked before.
  await untilGranting(client);
  assert.deepEqual((await client.getSubscriptionInfo()).locators, []);
  for (const appointment of appointments) await client.addAppointment(appointment);
});
