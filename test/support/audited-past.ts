import assert from 'node:assert/strict';
import type { VerifyOptions } from '../../actors/auditor/verify-options.js';
import { makeAppointment } from '../../actors/client/tower-client.js';
import type { Shard } from '../../events/ids.js';
import { blobStream, CHAIN, CHECKPOINTS, towerStream } from '../../events/log/streams.js';
import { decodeHead } from '../../events/tree-head.js';
import { txid } from '../fixtures/ids.js';
import { type Guard, startGuard } from './breach.js';
import { type Kept, keep, rewrite } from './rewritten.js';
import type { Cleanup } from './temp-dir.js';
import { untilLevel } from './tower.js';
import { until } from './until.js';
import { verified } from './verified.js';

export const SHARD = 0 as Shard;
export const TOWER = towerStream(SHARD);
export const BLOBS = blobStream(SHARD);

/** A tower with a past: users of both generations, versions, a breach that was punished and buried. */
async function live({ tower, client, guard }: Guard): Promise<void> {
  const python = await tower.newClient('python');
  await python.register();
  await python.addAppointment(makeAppointment('python', txid('kept'), new Uint8Array(2_500), 144));
  const appointment = makeAppointment('rust', txid('newer'), new Uint8Array(100), 144);
  await client.addAppointment(appointment);
  await client.addAppointment({ ...appointment, encryptedBlob: new Uint8Array(120).fill(1) });
  const breach = await guard();
  await tower.chain.send(breach.disputeTx);
  await tower.chain.mine();
  await breach.untilSeen('PenaltyBroadcast');
  await tower.chain.mine(100);
  await breach.untilLast('PenaltyIrrevocable');
  await client.register();
  await until('its slots are given back', async () => (await client.getSubscriptionInfo()).locators.length === 1);
  await tower.chain.mine(1);
  await untilLevel(() => tower.node, tower.chain);
}

export const text = ({ data }: Kept): string => Buffer.from(data).toString();
/** The same message with a part of its text replaced. */
export const changed = (message: Kept, from: string | RegExp, to: string): Kept => {
  const data = Buffer.from(text(message).replace(from, to));
  assert.notDeepEqual(data, Buffer.from(message.data));
  return { ...message, data };
};

/** The log of such a tower, whose node is stopped, and ways to tamper with it and to have it audited. */
export async function auditedPast(t: Cleanup) {
  const guarded = await startGuard(t);
  const { tower } = guarded;
  await live(guarded);
  const nc = await tower.nats.connect('node');
  const jsm = await nc.jetstreamManager();
  await until('the last block is signed', async () => {
    const { data } = await jsm.streams.getMessage(CHECKPOINTS, { last_by_subj: 'argus.checkpoint.0' });
    const { state } = await jsm.streams.info(TOWER);
    return decodeHead(data).treeSize === state.last_seq;
  });
  await tower.stopNode();
  const original = new Map<string, Kept[]>();
  for (const stream of [CHAIN, CHECKPOINTS, TOWER]) original.set(stream, await keep(jsm, stream));
  const log = original.get(TOWER) ?? [];
  const heads = (original.get(CHECKPOINTS) ?? []).map(({ data }) => decodeHead(data));
  const newest = heads.at(-1) ?? assert.fail('no head');
  const at = (find: string | RegExp) => log.findIndex((message) => text(message).match(find));
  const { towerId } = tower.key;
  const audit = (options: Partial<VerifyOptions> = {}) => verified(tower.nats, towerId, options);
  const whatIsWrong = async (options: Partial<VerifyOptions> = {}) =>
    (await audit(options)).findings.map(({ stream, position, what }) => `${stream} ${position} ${what}`);

  /** Acts while a stream holds these messages. */
  async function rewriteAnd<T>(
    stream: string,
    messages: readonly (Kept | undefined)[],
    act: () => Promise<T>,
  ): Promise<T> {
    await rewrite(nc, stream, messages);
    try {
      return await act();
    } finally {
      await rewrite(nc, stream, original.get(stream) ?? []);
    }
  }

  /** What is found first while a stream holds these. */
  async function tampered(
    stream: string,
    messages: readonly (Kept | undefined)[],
    options: Partial<VerifyOptions> = {},
  ) {
    const first = await rewriteAnd(stream, messages, () => whatIsWrong({ ...options, most: 1 }));
    assert.equal(first.length, 1, `something is found in ${stream}`);
    return first[0];
  }

  return { guarded, tower, nc, jsm, original, log, heads, newest, at, audit, whatIsWrong, tampered, rewriteAnd };
}
