import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeAppointment, type TowerClient } from '../../actors/client/tower-client.js';
import { packageRoot } from '../../actors/package-root.js';
import { userAggregate } from '../../events/aggregate.js';
import { EventLog } from '../../events/log/log.js';
import { towerStream } from '../../events/log/streams.js';
import { txid } from '../fixtures/ids.js';
import { type Guard, mineEach, startGuard } from '../support/breach.js';
import { shard } from '../support/log.js';
import { startNatsProxy } from '../support/nats-proxy.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { isInMempool, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

/** The positive acks of one stream, and nothing else that a server says. */
const ACKS = /\{"stream":"TOWER_0", ?"seq":\d+\}/;

const small = (name: string) => makeAppointment('rust', txid(name), new Uint8Array(100), 144);

describe('on a bad day of NATS', () => {
  test('away at the start: the node waits for it', async (t) => {
    const tower = await startTestTower(t, { begin: false });
    await tower.nats.stop();
    const started = tower.restartNode();
    await tower.chain.mine(3);
    assert.equal(await Promise.race([started.then(() => 'started'), sleep(1_500, 'waiting')]), 'waiting');
    await tower.nats.restart();
    await started;
    await untilLevel(() => tower.node, tower.chain);
    await (await tower.newClient()).register();
  });

  test('away for longer than any wait of the node: a breach meanwhile is answered when it is back', async (t) => {
    const { tower, guard } = await startGuard(t);
    const breach = await guard();
    await tower.nats.kill();
    await mineEach(tower, [breach.disputeTx], [], []);
    await sleep(12_000); // pings, heartbeats and requests have all run out
    await tower.nats.restart();
    await breach.untilLast('PenaltyBroadcast');
    await untilLevel(() => tower.node, tower.chain);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('restarted again and again: every receipt is on the log, once', async (t) => {
    const { tower, client } = await startGuard(t);
    const receipts: string[] = [];
    let isOver = false;
    const adding = (async () => {
      for (let n = 0; !isOver; n++) receipts.push((await client.addAppointment(small(`${n}`))).locator);
    })();
    for (let n = 0; n < 3; n++) {
      const before = receipts.length;
      await until('some were accepted', () => receipts.length >= before + 5);
      await (n === 1 ? tower.nats.kill() : tower.nats.stop());
      await tower.nats.restart();
    }
    isOver = true;
    await adding;
    await untilReceiptsHold(tower, client, receipts);
  });

  test('whose acks are lost: nothing is stored twice, and the answer is the same', async (t) => {
    const { tower, client, proxy } = await startBehindProxy(t);
    const acks = proxy.lose(ACKS);
    const first = client.addAppointment(small('one'));
    await until('an ack was lost', () => acks.count() > 0);
    acks.stop();
    const { locator } = await first;
    const again = proxy.lose(ACKS);
    const second = client.addAppointment(small('two'));
    await until('another ack was lost', () => again.count() > 0);
    again.stop();
    proxy.cut(); // and the connection with it
    await untilReceiptsHold(tower, client, [locator, (await second).locator]);
  });

  test('whose acks are lost while a breach is answered: each event is there once', async (t) => {
    const { tower, guard, proxy } = await startBehindProxy(t);
    const breach = await guard();
    const acks = proxy.lose(ACKS);
    await mineEach(tower, [breach.disputeTx]);
    await until('three acks were lost', () => acks.count() >= 3);
    acks.stop();
    await mineEach(tower, [breach.penaltyTx]);
    await breach.untilLast('PenaltyConfirmed');
    assert.deepEqual(await breach.history(), ['BreachDetected by watcher', 'PenaltyBroadcast', 'PenaltyConfirmed']);
  });

  test('slow: all goes on, slowly', async (t) => {
    const { tower, guard, proxy } = await startBehindProxy(t);
    proxy.slow(200);
    const breach = await guard();
    await mineEach(tower, [breach.disputeTx]);
    await until('answered', () => isInMempool(tower, breach.penaltyTxid));
    await mineEach(tower, [breach.penaltyTx]);
    await breach.untilLast('PenaltyConfirmed');
    assert.deepEqual(tower.gaveUp, []);
  });
});

describe('a log that is full', () => {
  test('refuses requests clearly, answers a breach without it, and records that when there is room', async (t) => {
    const { tower, client, guard } = await startGuard(t);
    const breach = await guard();
    const { jsm } = await EventLog.open(await tower.nats.connect('node'));
    const { config, state } = await jsm.streams.info(towerStream(shard));
    await jsm.streams.update(towerStream(shard), { ...config, max_bytes: state.bytes });
    await assert.rejects(client.addAppointment(small('one')), { reason: 'unavailable', status: 503 });
    await assert.rejects((await tower.newClient()).register(), { reason: 'unavailable', status: 503 });
    await mineEach(tower, [breach.disputeTx]);
    await until('the penalty is out', () => isInMempool(tower, breach.penaltyTxid));
    assert.deepEqual(await breach.history(), []);

    await jsm.streams.update(towerStream(shard), { ...config, max_bytes: -1 });
    await breach.untilLast('PenaltyBroadcast');
    await client.addAppointment(small('one'));
    await untilLevel(() => tower.node, tower.chain);
    assert.deepEqual(tower.gaveUp, []);
  });

  test('with the whole disk: blocks wait, breaches do not, and nothing is answered as accepted that is not', async (t) => {
    const conf = join(tempDir(t), 'nats.conf');
    const limitTo = (size: string) => {
      const text = readFileSync(join(packageRoot, 'nats.conf'), 'utf8');
      writeFileSync(conf, text.replace('sync_interval: always', `max_file_store: ${size}\n  sync_interval: always`));
    };
    limitTo('2MB');
    const { tower, client, guard } = await startGuard(t, { natsFlags: ['-c', conf] });
    const breach = await guard();
    const large = (n: number) => makeAppointment('rust', txid(`large ${n}`), new Uint8Array(60_000), 144);
    const receipts = [breach.locator];
    const fill = async () => {
      for (let n = 0; n < 100; n++) receipts.push((await client.addAppointment(large(n))).locator);
    };
    await assert.rejects(fill(), { reason: 'unavailable', status: 503 });
    assert.ok(receipts.length > 5);
    const height = tower.node.chain.state.tip?.height;
    await mineEach(tower, [], [breach.disputeTx], []);
    await until('the penalty is out', () => isInMempool(tower, breach.penaltyTxid));
    assert.equal(tower.node.chain.state.tip?.height, height);
    await assert.rejects(client.addAppointment(small('one')), { reason: 'unavailable', status: 503 });
    assert.equal((await client.getSubscriptionInfo()).locators.length, receipts.length);
    assert.deepEqual(tower.gaveUp, []);

    limitTo('50MB');
    await tower.nats.restart();
    await breach.untilLast('PenaltyBroadcast');
    await untilLevel(() => tower.node, tower.chain);
    receipts.push((await client.addAppointment(small('one'))).locator);
    await untilReceiptsHold(tower, client, receipts);
  });
});

/** Every receipt's appointment is live, and was charged and put on the log once. */
async function untilReceiptsHold(tower: TestTower, client: TowerClient, receipts: readonly string[]): Promise<void> {
  const { locators, available_slots: slots } = await client.getSubscriptionInfo();
  assert.deepEqual(
    receipts.filter((locator) => !locators.some((each) => each === locator)),
    [],
  );
  const log = await EventLog.open(await tower.nats.connect('node'));
  const commits = await log.load(userAggregate(client.userId), shard);
  const accepted = commits.flatMap(({ events }) =>
    events.flatMap((event) => (event.type === 'AppointmentAccepted' ? [event] : [])),
  );
  assert.equal(new Set(accepted.map(({ locator }) => locator)).size, accepted.length);
  assert.equal(slots, 10_000 - accepted.reduce((sum, event) => sum + event.slots, 0));
  assert.deepEqual(tower.gaveUp, []);
}

/** A tower whose only node reaches NATS through a proxy. */
async function startBehindProxy(t: Cleanup): Promise<Guard & { proxy: Awaited<ReturnType<typeof startNatsProxy>> }> {
  let proxy: Awaited<ReturnType<typeof startNatsProxy>> | undefined;
  const through = async (port: number) => {
    proxy = await startNatsProxy(t, port);
    return proxy.url;
  };
  const guarded = await startGuard(t, { through });
  assert(proxy);
  return { ...guarded, proxy };
}
