import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { userAggregate } from '../../events/aggregate.js';
import { fromHex } from '../../events/bytes.js';
import { type Commit, newCommit } from '../../events/commit.js';
import type { Shard } from '../../events/ids.js';
import { BlobStore } from '../../events/log/blobs.js';
import { EventLog } from '../../events/log/log.js';
import { appointmentId } from '../../events/signing/appointment.js';
import type { Cleanup } from '../support/temp-dir.js';
import { historyTypes, isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('an appointment whose commit was so long under way that its breach left the locator cache', () => {
  test('is answered by a node that runs', async (t) => {
    const { tower, append, breach, types } = await aBreachLongAgo(t);
    await append();
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await until('recorded', async () => (await types()).length === 2);
    assert.deepEqual(await types(), ['BreachDetected by locator-cache', 'PenaltyBroadcast']);
  });

  test('is answered by a node that starts, if whoever appended it is gone', async (t) => {
    const { tower, append, breach, types } = await aBreachLongAgo(t);
    await tower.stopNode();
    await append();
    await tower.restartNode();
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await until('recorded', async () => (await types()).length === 2);
    assert.deepEqual(await types(), ['BreachDetected by watcher', 'PenaltyBroadcast']);
  });
});

/** A breach of 20 blocks ago, scanned, and what another node decided just before it: `append` puts that on the log now. */
async function aBreachLongAgo(t: Cleanup) {
  const tower = await startTestTower(t);
  const client = await tower.newClient();
  await client.register();
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  const startBlock = await tower.chain.height();
  await tower.chain.mineOnly([breach.disputeTx]);
  for (let i = 0; i < 20; i++) await tower.chain.mineOnly();
  await untilLevel(() => tower.node, tower.chain);

  const log = await EventLog.open(await tower.nats.connect('node'));
  const shard = 0 as Shard;
  const { locator, encryptedBlob } = makeAppointment('rust', breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  const append = async () => {
    const signature = 'y'.repeat(104);
    const accepted = {
      type: 'AppointmentAccepted',
      appointmentId: appointmentId(locator, client.userId),
      locator,
      scheme: 'teos-internal',
      slots: 1,
      slotsLeft: 9999,
      startBlock,
      toSelfDelay: 144,
      blob: await new BlobStore(log).put(shard, client.userId, encryptedBlob),
      userSignature: signature,
      receiptSignature: signature,
    };
    const aggregate = userAggregate(client.userId);
    const commit = newCommit(aggregate, [accepted], 'slow', Date.now()) as Omit<Commit, 'position'>;
    const expected = (await log.last(aggregate, shard))?.position ?? 0;
    assert.equal((await log.append(commit, { shard, expected, patience: 5_000 })).kind, 'appended');
  };
  return { tower, append, breach, types: () => historyTypes(tower, client.userId, locator) };
}
