import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JetStreamManager, NatsConnection, StreamConfig, StreamInfo } from 'nats';
import type { Position, Shard } from '../ids.js';
import { readStream } from './ensure-streams.js';
import { LogUnavailableError } from './errors.js';
import { compareConfig, isHarmless, StreamDriftError } from './stream-drift.js';
import { towerStream, type WantedStream } from './streams.js';
import { copyStreamOf, cutOf, TRIMMED, TRIMMING } from './trims.js';

/**
 * Rebuilding a shard's stream without some of its messages, where all others keep position, time and bytes:
 *
 *     freeze    the stream takes nothing any more: nobody sends to its subjects
 *     copy      a mirror of it, which is then made a stream of its own
 *     drop      messages are deleted from the copy, and what is left is compared with what there was
 *     replace   the copy is marked as whole, the stream is deleted and made anew as a mirror of the copy
 *     finish    that is made a stream of its own, and the copy is deleted
 *
 * Which of these are done is to be seen from the streams, so whoever was killed is gone on from by doing it again. Up to `drop`
 * all can be undone; from `replace` on it can only be finished. No node starts before it is (`TrimUnfinishedError`).
 */

export type Step = 'freeze' | 'copy' | 'drop' | 'replace' | 'finish';

export interface RebuildNeeds {
  readonly nc: Pick<NatsConnection, 'request'>;
  readonly jsm: { readonly streams: Pick<JetStreamManager['streams'], 'info' | 'add' | 'update' | 'delete'> };
  readonly shard: Shard;
  readonly cut: Position;
  /** The stream as it has to be. */
  readonly wanted: WantedStream;
  /** The positions to be dropped; some may be gone already. */
  readonly drop: () => Iterable<Position>;
  /** Called when the stream is frozen, and when what is left is in the copy: rejects if that is not so. */
  readonly frozen: () => Promise<void>;
  readonly verify: (copy: StreamInfo, original: StreamInfo) => Promise<void>;
  /** Called when the copy was copied back: rejects if those two differ. */
  readonly compare: (stream: StreamInfo, copy: StreamInfo) => Promise<void>;
  readonly step: (step: Step) => void;
  readonly signal: AbortSignal;
}

/** In the metadata of a copy: that it holds all that is to be left. */
const WHOLE = 'argus.whole';
/** In the metadata of a frozen stream: whose it is. Who began last goes on, and any other leaves all as it is. */
const TRIMMER = 'argus.trimmer';

/** How long a copy may make no progress, and how often it is looked at, in ms. */
const STANDSTILL_MS = 60_000;
const POLL_MS = 100;
const REQUEST_MS = 10_000;
const DELETED_AT_ONCE = 256;

/** Gives the rebuilt stream. Rejects with what is wrong; unless the stream was replaced already, all is undone then. */
export async function rebuildStream(needs: RebuildNeeds): Promise<StreamInfo> {
  const { jsm, shard, cut } = needs;
  const [tower, copy] = [towerStream(shard), copyStreamOf(shard)];
  const found = await readStream(jsm, tower);
  if (found && !found.config.mirror) {
    if (isDone(found, cut)) return finish(needs);
    await prepare(needs, found);
    needs.step('replace');
    await jsm.streams.delete(tower);
  }
  const whole = await readStream(jsm, copy);
  if (whole?.config.metadata?.[WHOLE] !== String(cut))
    throw new LogUnavailableError(
      `${tower} is not there, and ${copy} is not said to be whole: nothing is done with it`,
    );
  // What an operator may have set beside what has to be stays.
  const config = { ...whole.config, name: tower, subjects: needs.wanted.subjects ?? [], ...DENIED };
  if (!(await readStream(jsm, tower)))
    await jsm.streams.add({ ...mirrorOf(config, copy), metadata: { [TRIMMING]: String(cut) } });
  await needs.compare(await caughtUp(needs, tower, copy), whole);
  needs.step('finish');
  const made = await makeOwn(needs, { ...config, metadata: { [TRIMMED]: String(cut) } });
  const differences = compareConfig(needs.wanted, made.config);
  if (!differences.every(isHarmless)) throw new StreamDriftError(differences);
  return finish(needs);
}

const DENIED = { deny_delete: true, deny_purge: true };

/** What a mirror of a stream is made with. As long as it is one it has no subjects, and takes no batches. */
function mirrorOf({ subjects: _, allow_atomic: __, ...config }: WantedStream, origin: string): WantedStream {
  return { ...config, mirror: { name: origin } };
}

const isDone = ({ config }: StreamInfo, cut: Position): boolean =>
  config.metadata?.[TRIMMING] === undefined && cutOf(config) === cut;

async function finish({ jsm, shard }: RebuildNeeds): Promise<StreamInfo> {
  if (await readStream(jsm, copyStreamOf(shard))) await jsm.streams.delete(copyStreamOf(shard));
  return jsm.streams.info(towerStream(shard));
}

/** Makes the copy, as long as nothing is lost by it; leaves all as it was if that fails. */
async function prepare(needs: RebuildNeeds, original: StreamInfo): Promise<void> {
  const { jsm, shard, cut, step, signal } = needs;
  const [tower, copy] = [towerStream(shard), copyStreamOf(shard)];
  const { metadata, ...config } = original.config;
  const subjects = [`argus.copy.${shard}`];
  const marked = { [TRIMMING]: String(cut) };
  const id = randomBytes(8).toString('hex');
  const mine = { ...config, name: copy, subjects, deny_delete: false, deny_purge: false, metadata: marked };
  try {
    step('freeze');
    await jsm.streams.update(tower, {
      subjects: [`argus.frozen.${shard}`],
      metadata: { ...metadata, ...marked, [TRIMMER]: id },
    });
    await needs.frozen();
    if (await readStream(jsm, copy)) await jsm.streams.delete(copy);
    step('copy');
    await jsm.streams.add(mirrorOf(mine, tower));
    await caughtUp(needs, copy, tower);
    await makeOwn(needs, mine);
    step('drop');
    await drop(needs, copy);
    await needs.verify(await settled(needs, copy), await jsm.streams.info(tower));
    signal.throwIfAborted();
    if (!(await isOf(needs, id))) throw new LogUnavailableError(`somebody else has begun to trim ${tower} meanwhile`);
    await jsm.streams.update(copy, { metadata: { ...marked, [WHOLE]: String(cut) } });
  } catch (error) {
    // If that fails, too, it is as after a kill.
    await undo(needs, id, metadata).catch(() => {});
    throw error;
  }
}

/** Whether a frozen stream is whose id this is. */
async function isOf({ jsm, shard }: RebuildNeeds, id: string): Promise<boolean> {
  return (await jsm.streams.info(towerStream(shard))).config.metadata?.[TRIMMER] === id;
}

async function undo(needs: RebuildNeeds, id: string, metadata: StreamConfig['metadata'] = {}): Promise<void> {
  const { jsm, shard, wanted } = needs;
  const { [TRIMMING]: _, [TRIMMER]: __, ...before } = metadata;
  if (!(await isOf(needs, id))) return;
  if (await readStream(jsm, copyStreamOf(shard))) await jsm.streams.delete(copyStreamOf(shard));
  await jsm.streams.update(towerStream(shard), { subjects: wanted.subjects ?? [], metadata: before });
}

/** Makes a mirror a stream of its own. Rejects if the server will not: those before 2.12 cannot. */
async function makeOwn({ nc, jsm }: RebuildNeeds, wanted: WantedStream): Promise<StreamInfo> {
  const { name } = wanted;
  // Not by the client's own update, which adds what is told to what there is, the mirror among it.
  const answer = await nc.request(`$JS.API.STREAM.UPDATE.${name}`, JSON.stringify(wanted), { timeout: REQUEST_MS });
  const { error } = answer.json<{ error?: { description: string } }>();
  const made = await jsm.streams.info(name);
  if (error || made.config.mirror)
    throw new LogUnavailableError(
      `${name} cannot be made a stream of its own: ${error?.description ?? 'it stays a mirror'}`,
    );
  return made;
}

async function drop({ nc, drop: positions, signal }: RebuildNeeds, copy: string): Promise<void> {
  const subject = `$JS.API.STREAM.MSG.DELETE.${copy}`;
  const deleteOne = async (seq: Position) => {
    const answer = await nc.request(subject, JSON.stringify({ seq, no_erase: true }), { timeout: REQUEST_MS });
    const { error } = answer.json<{ error?: { err_code: number; description: string } }>();
    if (error && error.err_code !== NOT_THERE)
      throw new LogUnavailableError(`message ${seq} of ${copy} could not be dropped: ${error.description}`);
  };
  const left = positions()[Symbol.iterator]();
  let isOver = false;
  const work = async () => {
    for (let next = left.next(); !next.done && !isOver; next = left.next()) {
      signal.throwIfAborted();
      await deleteOne(next.value);
    }
  };
  try {
    await Promise.all(Array.from({ length: DELETED_AT_ONCE }, work));
  } finally {
    isOver = true;
  }
}

const NOT_THERE = 10057;

/** Waits until a mirror holds what its origin does, on all replicas. */
async function caughtUp(needs: RebuildNeeds, name: string, origin: string): Promise<StreamInfo> {
  const { state: wanted } = await needs.jsm.streams.info(origin);
  // Not their bytes: of the headers, those that said what was expected when a message was sent are not copied.
  return until(needs, name, ({ state }) => state.last_seq === wanted.last_seq && state.messages === wanted.messages);
}

const settled = (needs: RebuildNeeds, name: string): Promise<StreamInfo> => until(needs, name, () => true);

async function until(
  { jsm, signal }: RebuildNeeds,
  name: string,
  isEnough: (info: StreamInfo) => boolean,
): Promise<StreamInfo> {
  let [before, since] = [-1, performance.now()];
  for (;;) {
    const info = await jsm.streams.info(name);
    if (isEnough(info) && hasCopies(info)) return info;
    if (info.state.last_seq !== before) [before, since] = [info.state.last_seq, performance.now()];
    if (performance.now() - since > STANDSTILL_MS)
      throw new LogUnavailableError(`${name} makes no progress at message ${before}, or has not all of its replicas`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** Whether all replicas of a stream are current. A server that is on its own does not speak of any. */
function hasCopies({ cluster, config }: StreamInfo): boolean {
  if (!cluster) return true;
  const current = (cluster.replicas ?? []).filter((peer) => peer.current && !peer.offline).length;
  return Boolean(cluster.leader) && 1 + current >= config.num_replicas;
}
