import assert from 'node:assert/strict';
import { overNats } from '../../actors/client/nats-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { TowerId, Txid } from '../../events/ids.js';
import type { Network } from '../stage/network.js';
import { again } from '../support/again.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';
import { type RawCommit, readLog } from '../torture/checker/raw-log.js';
import { areMined } from './are-mined.js';
import type { Play } from './play.js';
import { reorgMeanwhile } from './reorg-meanwhile.js';
import { askingOnce } from './retry-once.js';

/**
 * A node reaches no NATS server, and its bitcoind as ever. It can read no blob, so it answers nothing, and the others do.
 * What it heard last nobody waits for any more, and what it has to say of blocks was said: it finds that out by itself.
 */
export async function cutNode(play: Play, network: Network): Promise<void> {
  const { stage } = play;
  const { b } = stage.link;
  const node = stage.nodes.find(({ miner }) => miner === b) ?? assert.fail();
  const [reorged, replacing] = [await play.guardedBreach(), await play.guardedBreach()];
  const nc = await stage.connect('node');
  const commits = async () => {
    const { chain, towers } = await readLog(nc, 1);
    return [...chain, ...towers.flat()];
  };
  const options = { towerId: TowerId.parse(stage.towerId), secretKey: secretKey(), timeoutMs: 5_000 };
  const ways = await Promise.all(
    stage.servers.map(async ({ server }) => overNats(await stage.connect('client', server.url))),
  );
  const [patient = assert.fail()] = ways.map((way) => new TowerClient(way, options));
  const hasty = ways.map((way) => new TowerClient(askingOnce(way), options));
  await patient.register();
  const failures = play.failures;

  network.part(
    [node.name],
    stage.servers.map(({ name }) => name),
  );
  // What only this node heard of has no answer; its client sends something else in its place.
  const txids = Array.from({ length: 30 }, (_, i) => Txid.parse(i.toString(16).padStart(64, '0')));
  const version = (txid: Txid, toSelfDelay: number) => makeAppointment('rust', txid, new Uint8Array(100), toSelfDelay);
  const asked = txids.map((txid, i) => hasty[i % hasty.length]?.addAppointment(version(txid, 100)));
  const outcomes = await Promise.allSettled(asked);
  const replaced: string[] = [];
  for (const txid of txids.filter((_, i) => outcomes[i]?.status === 'rejected'))
    replaced.push((await again(() => patient.addAppointment(version(txid, 200)))).locator);
  assert.ok(replaced.length > 0);
  await reorgMeanwhile(play, reorged, replacing);
  const { begun } = play.ledger;
  await until('all penalties are mined', async () => areMined(await commits(), begun.size));
  await until('the node says what it waits for', () => stage.hasSaid(node.name, 'NATS is away'));
  await play.operator.untilLevel(stage.nodes.length - 1);
  const own = (log: readonly RawCommit[]) =>
    log.filter((commit) => commit.node === node.name && !commit.aggregate.startsWith('user/'));
  const then = await commits();

  network.heal();
  await play.untilLevel();
  const log = await commits();
  assert.deepEqual(own(log), own(then), 'of blocks and breaches there was nothing left for it to say');
  assert.deepEqual(play.failures, failures, 'clients are served by the others');
  const versions = log
    .filter(({ aggregate }) => aggregate === `user/${patient.userId}`)
    .flatMap(({ events }) => events)
    .filter(({ locator }) => replaced.includes(String(locator)));
  assert.deepEqual(
    replaced.map((locator) => versions.findLast((event) => event.locator === locator)?.toSelfDelay),
    replaced.map(() => 200),
  );
}
