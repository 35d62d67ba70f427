import assert from 'node:assert/strict';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { type Breach, buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { Locator, UserId } from '../../events/ids.js';
import { txid } from '../fixtures/ids.js';
import { mineEach, mineEmpty, replaceBy } from './breach.js';
import type { Cleanup } from './temp-dir.js';
import { historyTypes, startTestTower, type TestTower, untilLevel } from './tower.js';
import { until } from './until.js';

/** A tower that has seen something of everything: an update, a renewal, an expiry, and a breach that a reorg took out and back in. */
export interface LivedTower {
  readonly tower: TestTower;
  /** The one whose breach was answered. It has one appointment left. */
  readonly alice: UserId;
  /** The one whose subscription ran out, with an appointment. */
  readonly bob: UserId;
  readonly breach: Breach & { readonly locator: Locator };
  /** The last position of the log before the breach, and the chain's height then. */
  readonly quiet: number;
  readonly quietHeight: number;
}

export async function livedTower(t: Cleanup): Promise<LivedTower> {
  const settings = { 'subscription.duration': '60', 'subscription.grace': '5' };
  const tower = await startTestTower(t, { settings });
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  await untilLevel(() => tower.node, tower.chain);
  const [client, other] = [await tower.newClient(), await tower.newClient('python')];
  const [alice, bob] = [client.userId, other.userId];
  await client.register();
  const built = buildBreach(channel);
  const { locator } = await client.protect(built.disputeTxid, fromHex(built.penaltyTx), 144);
  const breach = { ...built, locator };
  const untilIn = (name: string) => until(name, async () => (await historyTypes(tower, alice, locator)).includes(name));
  await other.register();
  await other.addAppointment(makeAppointment('python', txid('two'), new Uint8Array(90), 144));
  await client.addAppointment(makeAppointment('rust', txid('one'), new Uint8Array(100), 144));
  await client.addAppointment(makeAppointment('rust', txid('one'), new Uint8Array(3_000), 144));
  await client.register();
  await mineEmpty(tower, 1);
  await untilLevel(() => tower.node, tower.chain);
  const [quiet, quietHeight] = [tower.node.shards[0]?.position ?? 0, await tower.chain.height()];
  const [disputeBlock] = await mineEach(tower, [breach.disputeTx]);
  assert(disputeBlock);
  await untilIn('PenaltyBroadcast');
  await replaceBy(tower, disputeBlock, [], []);
  await untilIn('BreachReorgedOut');
  await mineEach(tower, [breach.disputeTx], [breach.penaltyTx]);
  await untilIn('PenaltyConfirmed');
  await mineEmpty(tower, 99);
  await untilIn('PenaltyIrrevocable');
  await untilLevel(() => tower.node, tower.chain);
  await until('the rest is over', () => tower.node.shards[0]?.counts.appointments === 1);
  return { tower, alice, bob, breach, quiet, quietHeight };
}
