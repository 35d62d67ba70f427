import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { isWhole } from '../stage/nats-servers.js';
import { until } from '../support/until.js';
import { readLog } from '../torture/checker/raw-log.js';
import { Play } from './play.js';

const InBlock = z.object({ block: z.object({ height: z.number() }) });

test('everything is restarted, one after the other: no client fails twice, and no breach waits longer than a block', async (t) => {
  const play = await Play.start(t, { channels: 8 });
  const { stage, ledger } = play;
  const { link, nodes, servers } = stage;
  const nc = await stage.connect('node');
  for (const { victim } of [...nodes, ...servers, ...link.miners]) {
    const breach = await play.guardedBreach();
    await victim.end();
    const [miner = assert.fail('no bitcoind is up')] = link.up;
    await play.mine(breach, miner);
    await play.untilAnswered(breach, miner); // before it is back
    await miner.chain.mine();
    await victim.restart();
    await link.join();
    await play.untilLevel();
    await until('all replicas are back', () => isWhole(nc).catch(() => false));
    await play.untilServed(); // else the second attempt of a request might meet the next restart
  }
  assert.deepEqual(play.failures, []);

  const { towers } = await readLog(nc, 1);
  const heights = new Map<string, number[]>();
  for (const { aggregate, events } of towers.flat())
    for (const event of events)
      if (event.type === 'BreachDetected' || event.type === 'PenaltyConfirmed')
        heights.set(aggregate, [...(heights.get(aggregate) ?? []), InBlock.parse(event).block.height]);
  const waited = Array.from(heights.values(), ([breached = 0, punished = 0]) => punished - breached);
  assert.deepEqual(waited, new Array(ledger.begun.size).fill(1));
  await play.end();
});
