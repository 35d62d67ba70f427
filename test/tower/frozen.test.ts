import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TowerUnavailableError } from '../../actors/client/errors.js';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { Txid } from '../../events/ids.js';
import { untilGranting } from '../support/granting.js';
import { startTowerProcesses } from '../support/tower-process.js';
import { until } from '../support/until.js';

test('what a node was asked while it was frozen is not carried out when it goes on', async (t) => {
  const { client, waiting, start, isUp } = await startTowerProcesses(t, { timeoutMs: 20_000 });
  const node = start();
  await until('up', isUp);
  await client.register();
  const appointments = [1, 2, 3, 4].map((i) =>
    makeAppointment('rust', Txid.parse(`${i}`.repeat(64)), new Uint8Array(100), 144),
  );
  const hasty = waiting(2_500);
  node.kill('SIGSTOP');
  for (const appointment of appointments)
    await assert.rejects(hasty.addAppointment(appointment), TowerUnavailableError);
  node.kill('SIGCONT');
  // In the same lane as what was asked before, so that it is answered after that.
  await untilGranting(client);
  assert.deepEqual((await client.getSubscriptionInfo()).locators, []);
  for (const appointment of appointments) await client.addAppointment(appointment);
  assert.equal((await client.getSubscriptionInfo()).available_slots, 20_000 - appointments.length);
});
