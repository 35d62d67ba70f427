import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Witness } from '../../bench/chain/witness.js';
import type { StageNode } from '../stage/stage.js';
import { type RpcProxy, startRpcProxy } from '../support/rpc-proxy.js';
import { until } from '../support/until.js';
import { Play } from './play.js';

/** By how a transaction is sent: alone, or as a package with its parent. */
const SENDS = new Set(['sendrawtransaction', 'submitpackage']);
const ROUNDS = 2;

test('nodes that are killed between a block and the broadcast are not missed', async (t) => {
  const lines = new Map<string, RpcProxy>();
  const play = await Play.start(t, {
    channels: 3 * ROUNDS + 1,
    waysOf: async (name, { rpcUrl }) => {
      const line = await startRpcProxy(t, rpcUrl);
      lines.set(name, line);
      return { rpcUrl: line.url };
    },
  });
  const { nodes, link } = play.stage;
  const witnesses = link.miners.map(({ bitcoind }) => new Witness(bitcoind.zmqUrl));
  t.after(() => {
    for (const witness of witnesses) witness.close();
  });
  const [witness = assert.fail()] = witnesses;
  await untilHearing(witnesses, () => link.a.chain.mineOnly());
  const lineOf = ({ name }: StageNode) => lines.get(name) ?? assert.fail();
  const bringBack = async (killed: readonly StageNode[]) => {
    await link.a.chain.mine();
    for (const node of killed) {
      lineOf(node).set('pass');
      await node.victim.restart();
    }
    await play.untilLevel();
  };

  // At the moment when bitcoind announces the block; what a victim sends all the same does not arrive.
  for (const count of [0, 1, 2]) {
    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const killed = [...nodes, ...nodes].slice(round % nodes.length).slice(0, count);
      const breach = await play.guardedBreach();
      await play.untilLevel();
      for (const node of killed) lineOf(node).set((method) => (SENDS.has(method) ? 'hold' : 'pass'));
      const answered = Promise.race(witnesses.map((witness) => witness.mempool(breach.penaltyTxid)));
      const announced = witness.nextBlock().then((heard) => {
        for (const { victim } of killed) void victim.kill();
        return heard;
      });
      await play.mine(breach);
      took.push((await answered).at - (await announced).at);
      await bringBack(killed);
    }
    t.diagnostic(
      JSON.stringify({ figure: 'block-to-penalty', nodes: nodes.length, killed: count, ms: took.map(Math.round) }),
    );
  }

  // At the moment when it sends.
  const [victim = assert.fail()] = nodes;
  const breach = await play.guardedBreach();
  await play.untilLevel();
  let isKilled = false;
  lineOf(victim).set((method) => {
    if (!SENDS.has(method)) return 'pass';
    isKilled = true;
    void victim.victim.kill();
    return 'cut';
  });
  await play.mine(breach);
  await play.untilAnswered(breach);
  await until('it wanted to send, too', () => isKilled);
  await bringBack([victim]);
  await play.end();
});

/** A subscription takes a moment; what is published before that is not heard. */
async function untilHearing(witnesses: readonly Witness[], mine: () => Promise<string>): Promise<void> {
  await until('both bitcoinds are heard', async () => {
    const hash = await mine();
    await sleep(200);
    return witnesses.every((witness) => witness.hasHeardOf(hash));
  });
}
