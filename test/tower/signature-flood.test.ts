import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import pino from 'pino';
import { TowerRefusedError, TowerUnavailableError } from '../../actors/client/errors.js';
import { MOST_UNDER_WAY, MOST_WAITING } from '../../actors/gateway/lanes.js';
import { towerKeyOf } from '../../actors/secrets.js';
import { SignaturePool } from '../../actors/signatures/signature-pool.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex, toHex } from '../../events/bytes.js';
import { Locator } from '../../events/ids.js';
import { isInMempool, secretKey, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const REQUESTS = MOST_UNDER_WAY + MOST_WAITING;

const randomAppointment = () => ({
  locator: Locator.parse(toHex(randomBytes(16))),
  encryptedBlob: new Uint8Array(randomBytes(600)),
  toSelfDelay: 144,
});

/** A pool that does nothing while it is held, as one that has far too much to do. */
function holdable(pool: SignaturePool) {
  let held = Promise.resolve();
  let release = () => {};
  let waiting = 0;
  const turn = async () => {
    waiting++;
    await held;
    waiting--;
  };
  return {
    waiting: () => waiting,
    hold: () => {
      held = new Promise((resolve) => {
        release = resolve;
      });
    },
    release: () => release(),
    signatures: {
      recover: async (message: Uint8Array, signature: string) => turn().then(() => pool.recover(message, signature)),
      sign: async (message: Uint8Array) => turn().then(() => pool.sign(message)),
      stop: () => pool.stop(),
    },
  };
}

/** Whether a client was told to come again, or nothing. */
const isLater = (error: unknown): boolean =>
  error instanceof TowerUnavailableError || (error instanceof TowerRefusedError && error.reason === 'unavailable');

test('a breach is answered and recorded while not one of a flood of requests gets its signature', async (t) => {
  const key = towerKeyOf(secretKey());
  const log = pino({ level: 'silent' });
  const { signatures, hold, release, waiting } = holdable(
    new SignaturePool({ copySecret: key.copySecret, threads: 1, log }),
  );
  const tower = await startTestTower(t, { key, signatures });
  t.after(release);
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  await untilLevel(() => tower.node, tower.chain);
  const client = await tower.newClient('rust', { timeoutMs: 60_000 });
  await client.register();
  const breach = buildBreach(channel);
  await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);

  hold();
  let answered = 0;
  const flood = Array.from({ length: REQUESTS }, () =>
    client.addAppointment(randomAppointment()).finally(() => answered++),
  );
  const answers = Promise.allSettled(flood);
  await until('all requests that were let in wait for who signed them', () => waiting() === MOST_UNDER_WAY);
  await tower.chain.send(breach.disputeTx);
  await tower.chain.mine();
  await until('the penalty is in the mempool', () => isInMempool(tower, breach.penaltyTxid));
  await untilLevel(() => tower.node, tower.chain);
  assert.equal(answered, 0);

  release();
  for (const answer of await answers)
    if (answer.status === 'rejected') assert.ok(isLater(answer.reason), String(answer.reason));
  await client.addAppointment(randomAppointment());
  assert.deepEqual(tower.gaveUp, []);
});
