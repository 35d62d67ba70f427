import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TowerUnavailableError } from '../../actors/client/errors.js';
import { overNats } from '../../actors/client/nats-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { TowerId, Txid } from '../../events/ids.js';
import { secretKey } from '../support/tower.js';
import { until } from '../support/until.js';
import { type RawCommit, readLog } from '../torture/checker/raw-log.js';
import { areMined } from './are-mined.js';
import { Play } from './play.js';
import { reorgMeanwhile } from './reorg-meanwhile.js';
import { askingOnce } from './retry-once.js';

/** Longer than a NATS server keeps a silent connection with these settings (6 s), and than anybody waits for an answer. */
const FROZEN_MS = 13_000;
const QUICK_PINGS = 'ping_interval: "2s"';

test('a node that is frozen for longer than every timeout appends nothing stale, corrects itself and catches up', async (t) => {
  const play = await Play.start(t, { channels: 3, natsSettings: QUICK_PINGS });
  const { stage } = play;
  const [frozen = assert.fail()] = stage.nodes;
  const [reorged, replacing] = [await play.guardedBreach(), await play.guardedBreach()];
  const courier = overNats(await stage.connect('client'));
  const options = { towerId: TowerId.parse(stage.towerId), secretKey: secretKey() };
  const patient = new TowerClient(courier, { ...options, timeoutMs: 30_000 });
  const hasty = new TowerClient(askingOnce(courier), options);
  await patient.register();
  const nc = await stage.connect('node');
  const commits = async () => {
    const { chain, towers } = await readLog(nc, 1);
    return [...chain, ...towers.flat()];
  };

  frozen.victim.freeze();
  const longEnough = sleep(FROZEN_MS);
  // What only the frozen node heard of has no answer; its client sends something else in its place.
  const txids = Array.from({ length: 30 }, (_, i) => Txid.parse(i.toString(16).padStart(64, '0')));
  const version = (txid: Txid, toSelfDelay: number) => makeAppointment('rust', txid, new Uint8Array(100), toSelfDelay);
  const isAnswered = await Promise.all(
    txids.map((txid) => hasty.addAppointment(version(txid, 100)).then(() => true, unanswered)),
  );
  const replaced: string[] = [];
  for (const txid of txids.filter((_, i) => !isAnswered[i]))
    replaced.push((await patient.addAppointment(version(txid, 200))).locator);
  assert.ok(replaced.length > 0);
  await reorgMeanwhile(play, reorged, replacing);
  await until('the others have carried both penalties into blocks', async () => areMined(await commits(), 2));
  await play.operator.untilLevel(stage.nodes.length - 1);
  await longEnough;
  const own = (log: readonly RawCommit[]) =>
    log.filter(({ node, aggregate }) => node === frozen.name && !aggregate.startsWith('user/')).length;
  const then = await commits();

  frozen.victim.thaw();
  await play.untilLevel();
  const log = await commits();
  assert.equal(own(log), own(then), 'of blocks and breaches there was nothing left for it to say');
  const versions = log
    .filter(({ aggregate }) => aggregate === `user/${patient.userId}`)
    .flatMap(({ events }) => events)
    .filter(({ locator }) => replaced.includes(String(locator)));
  assert.deepEqual(
    replaced.map((locator) => versions.findLast((event) => event.locator === locator)?.toSelfDelay),
    replaced.map(() => 200),
  );
  // Alone, it is a whole tower.
  const others = stage.nodes.filter((node) => node !== frozen);
  for (const { victim } of others) await victim.kill();
  const last = await play.guardedBreach();
  await play.mine(last);
  await play.untilAnswered(last);
  await play.end();
});

function unanswered(error: unknown): false {
  if (error instanceof TowerUnavailableError) return false;
  throw error;
}
