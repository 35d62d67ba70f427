import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BlockSource } from '../../actors/chain-monitor/block-source.js';
import { chainAggregate } from '../../events/aggregate.js';
import { type Commit, encodeCommit, newCommit } from '../../events/commit.js';
import { userId } from '../fixtures/ids.js';
import { startGuard } from '../support/breach.js';
import { startTestTower } from '../support/tower.js';
import { until } from '../support/until.js';
import { noise } from './bytes.js';
import { chanceOf, oneOf } from './settings.js';

/** What somebody with a node's credentials can put on the log, and a node makes of it. */

const CHANCE = chanceOf(6);
const garbage = () =>
  oneOf(CHANCE, [noise(CHANCE, 500), Buffer.alloc(0), Buffer.from('['.repeat(100_000)), Buffer.from('{"id":1}')]);

describe('a node on whose log is what is no part of it', () => {
  for (const [stream, subject] of [
    ['CHAIN', 'argus.chain'],
    ['TOWER_0', `argus.0.user.${userId('a')}`],
    ['TOWER_0', 'argus.0.scan'],
    ['TOWER_0', `argus.0.tracker.${'00'.repeat(20)}`],
  ] as const)
    test(`stops and says where: ${subject.split('.').slice(0, 3).join('.')}`, async (t) => {
      const tower = await startTestTower(t);
      const js = (await tower.nats.connect('node')).jetstream();
      const { seq } = await js.publish(subject, garbage());
      const error = await until('the node gives up', () => tower.gaveUp[0]);
      assert.match(error.message, new RegExp(`${seq} of ${stream}`));
      assert.ok(error.message.length < 500);
      // Nor does one that starts guess, and it says so at once.
      await tower.stopNode();
      const restarted = tower.restartNode().catch((cause) => cause);
      const again = await until(
        'it gives up again',
        async () => tower.gaveUp[1] ?? (await Promise.race([restarted, undefined])),
      );
      assert.match(String((again as Error).message), new RegExp(`${seq} of ${stream}`));
    });

  test('goes on where it is a head, a blob, or the txids of no block', async (t) => {
    const { tower, client, guard } = await startGuard(t);
    const js = (await tower.nats.connect('node')).jetstream();
    for (let n = 0; n < 20; n++) {
      await js.publish('argus.checkpoint.0', garbage());
      await js.publish(`argus.0.blob.${oneOf(CHANCE, [client.userId, userId('a')])}`, garbage());
      await js.publish(`argus.txids.${'ab'.repeat(32)}`, garbage());
    }
    const breach = await guard();
    await tower.chain.send(breach.disputeTx);
    await tower.chain.mine();
    await breach.untilSeen('PenaltyBroadcast');
    await tower.restartNode();
    await until('it answers', () => client.getSubscriptionInfo().catch(() => undefined));
    assert.deepEqual(tower.gaveUp, []);
    assert.ok(
      tower.said.some(({ level, msg }) => level >= 40 && /head/.test(msg)),
      'it says that a head is none',
    );
    assert.ok(tower.said.length < 500);
  });

  test('answers a breach in a block whose txids another node got wrong', async (t) => {
    const { tower, guard } = await startGuard(t);
    const breach = await guard();
    await tower.stopNode();
    const js = (await tower.nats.connect('node')).jetstream();
    await tower.chain.send(breach.disputeTx);
    const [hash] = await tower.chain.mine();
    assert(hash);
    const { connected, txidsInternal } = await new BlockSource(tower.bitcoind.rpc).block(hash);
    assert(txidsInternal);
    // As many as there are, but one of them twice, and the dispute not at all.
    const coinbase = txidsInternal.subarray(0, 32);
    const wrong = Buffer.concat(new Array<Uint8Array>(connected.txCount).fill(coinbase));
    await js.publish(`argus.txids.${hash}`, wrong);
    const commit = newCommit(chainAggregate, [connected], 'another', Date.now()) as Omit<Commit, 'position'>;
    await js.publish('argus.chain', encodeCommit(commit));
    await tower.restartNode();
    await breach.untilSeen('BreachDetected by watcher');
    assert.equal(tower.said.filter(({ msg }) => msg.startsWith('the txids of a block on the log')).length, 1);
    // What it found is on the log for the others.
    const { data } = await (await js.jetstreamManager()).streams.getMessage('TXIDS', {
      last_by_subj: `argus.txids.${hash}`,
    });
    assert.deepEqual(Buffer.from(data), Buffer.from(txidsInternal));
  });
});
