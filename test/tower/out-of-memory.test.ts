import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { toHex } from '../../events/bytes.js';
import { Locator } from '../../events/ids.js';
import { startTowerProcesses } from '../support/tower-process.js';
import { until } from '../support/until.js';

/** On SIGUSR2 it eats all memory there is, half a megabyte at a time, while the node goes on with its work. */
const GLUTTON = `const eaten = [];
process.on('SIGUSR2', () => setInterval(() => { for (let i = 0; i < 10_000; i++) eaten.push({ i }); }, 5));`;
const BLOB_BYTES = 10_000;

test('a node that runs out of memory in the middle of requests has lost nothing that it gave a receipt for', async (t) => {
  const { client, start, isUp } = await startTowerProcesses(t, { timeoutMs: 3_000 });
  const starved = start('--max-old-space-size=64', '--import', `data:text/javascript,${encodeURIComponent(GLUTTON)}`);
  await until('up', isUp);
  await client.register();
  const receipts: { locator: Locator; blob: string }[] = [];
  const add = async () => {
    const locator = Locator.parse(toHex(randomBytes(16)));
    const encryptedBlob = new Uint8Array(randomBytes(BLOB_BYTES));
    await client.addAppointment({ locator, encryptedBlob, toSelfDelay: 42 });
    receipts.push({ locator, blob: toHex(encryptedBlob) });
  };
  await add();
  starved.kill('SIGUSR2');
  const isDead = () => starved.exitCode !== null || starved.signalCode !== null;
  await until('out of memory', async () => {
    await Promise.all(Array.from({ length: 20 }, () => add().catch(() => undefined)));
    return isDead();
  });
  assert.notEqual(starved.exitCode, 0);

  start();
  await until('up again', isUp);
  for (const { locator, blob } of receipts) {
    const { appointment } = await client.getAppointment(locator);
    assert.ok('encrypted_blob' in appointment && appointment.encrypted_blob === blob);
  }
  const { locators } = await client.getSubscriptionInfo();
  assert.ok(receipts.every(({ locator }) => locators.includes(locator)));
});
