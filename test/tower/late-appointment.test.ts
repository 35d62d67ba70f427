import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { Dialect } from '../../events/signing/receipts.js';
import { historyTypes, isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

describe('an appointment that arrives after its dispute was mined', () => {
  test('is answered while the dispute is among the last six blocks, and watched beyond', async (t) => {
    const tower = await startTestTower(t);
    const channels = await openChannels(tower.chain, 3);
    const breaches = channels.map((channel) => buildBreach(channel));
    const [deep, edge, fresh] = breaches;
    assert(deep && edge && fresh);
    // One block each: at the end, `deep` is the seventh from the tip, `edge` the sixth, `fresh` in the tip.
    await tower.chain.mineOnly([deep.disputeTx]);
    await tower.chain.mineOnly([edge.disputeTx]);
    for (let i = 0; i < 4; i++) await tower.chain.mineOnly();
    await tower.chain.mineOnly([fresh.disputeTx]);
    await untilLevel(() => tower.node, tower.chain);

    const expectations: [Breach, string][] = [
      [fresh, 'dispute_responded'],
      [edge, 'dispute_responded'],
      [deep, 'being_watched'],
    ];
    for (const dialect of Dialect.options) {
      const client = await tower.newClient(dialect);
      await client.register();
      for (const [breach, expected] of expectations) {
        const receipt = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
        const shown = async (): Promise<string> => (await client.getAppointment(receipt.locator)).status;
        if (expected === 'dispute_responded')
          await until(`${dialect}: answered`, async () => (await shown()) === expected);
        assert.equal(await shown(), expected);
      }
    }
    assert.ok(await isInMempool(tower, fresh.penaltyTxid));
    assert.ok(await isInMempool(tower, edge.penaltyTxid));
    assert.ok(!(await isInMempool(tower, deep.penaltyTxid)));
  });

  test('says on the log that the locator cache found it', async (t) => {
    const tower = await startTestTower(t);
    const client = await tower.newClient();
    await client.register();
    const [channel] = await openChannels(tower.chain, 1);
    assert(channel);
    const breach = buildBreach(channel);
    await tower.chain.send(breach.disputeTx);
    await tower.chain.mine();
    await untilLevel(() => tower.node, tower.chain);
    const receipt = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    const history = await until('the penalty is out', async () => {
      const found = await historyTypes(tower, client.userId, receipt.locator);
      return found.includes('PenaltyBroadcast') && found;
    });
    assert.deepEqual(history, ['BreachDetected by locator-cache', 'PenaltyBroadcast']);
  });
});
