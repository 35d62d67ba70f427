import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Bookings } from '../../actors/bookings.js';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { Drill } from '../../actors/responder/drill.js';
import { type Breach, buildBreach, type Channel, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { BlobStore } from '../../events/log/blobs.js';
import { EventLog } from '../../events/log/log.js';
import { shard } from '../support/log.js';
import { startRpcProxy } from '../support/rpc-proxy.js';
import { historyTypes, isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const ANSWERED = ['BreachDetected by watcher', 'PenaltyBroadcast'];

/** What a breach's appointment says on the log is read after its penalty was sent. */
describe('a penalty', () => {
  test('is sent while its appointment cannot be read, and once; its breach is recorded when it can', async (t) => {
    const { mock: drill } = t.mock.method(Drill.prototype, 'practise');
    const { tower, node, alice, channels, proxy, letRead } = await watched(t);
    const breach = breachOf(channels);
    const receipt = await alice.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    assert.deepEqual(await historyTypes(tower, alice.userId, receipt.locator), []);
    await assert.rejects(alice.deleteAppointment(receipt), { reason: 'already-triggered' });
    assert.ok(drill.callCount() > 0, 'it has practised');
    letRead();
    const history = () => historyTypes(tower, alice.userId, receipt.locator);
    await until('recorded', async () => (await history()).length === 2);
    assert.deepEqual(await history(), ANSWERED);
    assert.equal(sendsOf(proxy), 1);
    // It is not taken for sent at the next block.
    await tower.chain.mineOnly();
    await untilLevel(() => node, tower.chain);
    await until('sent again', () => sendsOf(proxy) === 2);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('of another user goes out, whatever is stored under the same locator', async (t) => {
    const { tower, node, alice, mallory, channels, letRead } = await watched(t);
    const breach = breachOf(channels);
    const { locator } = makeAppointment('rust', breach.disputeTxid, new Uint8Array(1), 144);
    const useless = { locator, encryptedBlob: new Uint8Array(100).fill(7), toSelfDelay: 144 };
    await mallory.addAppointment(useless);
    await alice.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.mineOnly([breach.disputeTx]);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    letRead();
    await untilLevel(() => node, tower.chain);
    const histories = () => Promise.all([alice, mallory].map(({ userId }) => historyTypes(tower, userId, locator)));
    const refused = ['BreachDetected by watcher', 'BlobRefused does-not-decrypt'];
    await until('recorded', async () => (await histories()).flat().length === 4);
    assert.deepEqual(await histories(), [ANSWERED, refused]);
  });

  test('goes out of the newest version alone, and of nothing that was deleted or never accepted', async (t) => {
    const { tower, node, alice, channels, proxy, letRead } = await watched(t);
    const [replaced, deleted, orphaned] = channels.map((channel) => buildBreach(channel));
    assert(replaced && deleted && orphaned);
    const newest = buildBreach(channels[3] ?? assert.fail());
    // A version that would take the same money otherwise: the newest one opens to another transaction.
    await alice.protect(replaced.disputeTxid, fromHex(newest.penaltyTx), 144);
    await alice.protect(replaced.disputeTxid, fromHex(replaced.penaltyTx), 144);
    await alice.deleteAppointment(await alice.protect(deleted.disputeTxid, fromHex(deleted.penaltyTx), 144));
    const { encryptedBlob } = makeAppointment('rust', orphaned.disputeTxid, fromHex(orphaned.penaltyTx), 144);
    const blobs = new BlobStore(await EventLog.open(await tower.nats.connect('node')));
    await blobs.put(shard, alice.userId, encryptedBlob);
    await tower.chain.mineOnly([replaced, deleted, orphaned].map(({ disputeTx }) => disputeTx));
    await until('answered', () => isInMempool(tower, replaced.penaltyTxid));
    letRead();
    await untilLevel(() => node, tower.chain);
    assert.deepEqual(await tower.bitcoind.rpc.call('getrawmempool'), [replaced.penaltyTxid]);
    assert.equal(sendsOf(proxy), 1);
  });
});

/** A tower that cannot read what a breach's appointment says, until it is let; and two users of it. */
async function watched(t: TestContext) {
  let letRead = () => {};
  const readable = new Promise<void>((resolve) => (letRead = resolve));
  const { waitingFor } = Bookings.prototype;
  t.mock.method(
    Bookings.prototype,
    'waitingFor',
    async function (this: Bookings, ...asked: Parameters<typeof waitingFor>) {
      await readable;
      return waitingFor.apply(this, asked);
    },
  );
  const tower = await startTestTower(t, { begin: false });
  t.after(() => letRead());
  const proxy = await startRpcProxy(t, tower.bitcoind.rpcUrl);
  const { cookieFile, zmqUrl } = tower.bitcoind;
  const node = await tower.startNode('one', { bitcoind: { rpcUrl: proxy.url, cookieFile, zmqUrl } });
  await untilLevel(() => node, tower.chain);
  const [alice, mallory] = await Promise.all([tower.newClient(), tower.newClient()]);
  await Promise.all([alice.register(), mallory.register()]);
  const channels = await openChannels(tower.chain, 4);
  await untilLevel(() => node, tower.chain);
  return { tower, node, proxy, letRead, alice, mallory, channels };
}

const breachOf = ([channel]: readonly Channel[]): Breach => buildBreach(channel ?? assert.fail());

const sendsOf = ({ asked }: { readonly asked: readonly string[] }): number =>
  asked.filter((method) => method === 'sendrawtransaction').length;
