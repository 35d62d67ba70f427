import type { JetStreamManager, StreamInfo } from 'nats';
import { type Archive, archivedTo, openArchive } from '../../actors/auditor/archive/archive-folder.js';
import { ArchiveSource } from '../../actors/auditor/archive/archive-source.js';
import { checkArchive, messagesToCheck } from '../../actors/auditor/archive/check-archive.js';
import { ArchiveError } from '../../actors/auditor/archive/errors.js';
import { leavesOf, planTrim } from '../../actors/auditor/archive/trim-plan.js';
import type { Way } from '../../actors/auditor/tower-fold.js';
import type { TowerKey } from '../../actors/secrets.js';
import type { Position, Shard } from '../../events/ids.js';
import { readStream } from '../../events/log/ensure-streams.js';
import type { EventLog } from '../../events/log/log.js';
import { rebuildStream, type Step } from '../../events/log/rebuild-stream.js';
import { compareConfig, isIdentity, StreamDriftError } from '../../events/log/stream-drift.js';
import { CHAIN, type LogLayout, layoutOf, towerStream, wantedStreams } from '../../events/log/streams.js';
import { ensureTrimStreams, writeLeaves, writeTrim } from '../../events/log/trim-writer.js';
import { assertSigned, copyStreamOf, cutOf, readKept, readRecord, TRIMMING } from '../../events/log/trims.js';
import { headHash } from '../../events/tree-head.js';
import { decodePositions } from '../../events/trim-record.js';
import { OperatorError } from '../operator.js';
import { compareCopy, compareStreams } from './compare-copy.js';

/**
 * Rebuilding the streams of a log's shards without what is archived and nobody needs any more. Everything that may speak against
 * it is looked at before anything is changed.
 */

export interface TrimNeeds {
  readonly log: EventLog;
  /** For what changes streams: some of it takes its time. */
  readonly jsm: JetStreamManager;
  readonly folder: string;
  readonly key: Pick<TowerKey, 'towerId' | 'sign'>;
  readonly network: string;
  readonly way: Way;
  /** Called with how many messages more will be read. */
  readonly expect: (messages: number) => void;
}

/** What is to become of a shard. */
export interface ShardPlan {
  readonly shard: Shard;
  readonly cut: Position;
  /** What is left up to the cut, ascending. */
  readonly kept: readonly Position[] | Float64Array;
  /** Up to where it was trimmed before; 0 if it never was. */
  readonly before: Position;
  /** Whether a trim to this cut was begun. */
  readonly isBegun: boolean;
}

export class Trimmer {
  private constructor(
    private readonly needs: TrimNeeds,
    private readonly layout: LogLayout,
    private readonly archive: Archive,
    private readonly source: ArchiveSource,
  ) {}

  /**
   * Checks all of the archive, and that it is of this log. Rejects with `ArchiveError` if either is not so, with `OperatorError`
   * if a node is at work on the log, with `StreamDriftError` if the log is another tower's.
   */
  static async open(needs: TrimNeeds): Promise<Trimmer> {
    const { jsm, folder, key, network, way } = needs;
    const chain = await readStream(jsm, CHAIN);
    if (!chain) throw new OperatorError('there is no log here');
    const layout = layoutOf({ network, towerId: key.towerId }, chain.config);
    const [wanted] = wantedStreams(layout).filter(({ name }) => name === CHAIN);
    const foreign = wanted ? compareConfig(wanted, chain.config).filter(isIdentity) : [];
    if (foreign.length > 0) throw new StreamDriftError(foreign);
    await assertAlone(jsm, layout);
    const archive = await openArchive(folder);
    needs.expect(messagesToCheck(archive));
    await checkArchive(archive, { tower: key.towerId, onRead: way.onRead ?? (() => {}), signal: way.signal });
    if (archive.identity?.network !== network || archive.identity.shards !== layout.shards)
      throw new ArchiveError(
        folder,
        `it is of another log: of ${archive.identity?.network}, ${archive.identity?.shards} shards`,
      );
    const source = await ArchiveSource.open(folder);
    for (const stream of source.streams) await assertMeets(needs, source, stream);
    return new Trimmer(needs, layout, archive, source);
  }

  /** What there is to be done, shard by shard. Where nothing could be dropped there is nothing. */
  async plan(): Promise<ShardPlan[]> {
    const plans: ShardPlan[] = [];
    for (let shard = 0; shard < this.layout.shards; shard++) {
      const plan = await this.#planOf(shard as Shard);
      if (plan) plans.push(plan);
    }
    return plans;
  }

  async #planOf(shard: Shard): Promise<ShardPlan | undefined> {
    const { jsm, key, way } = this.needs;
    const archived = archivedTo(this.archive, towerStream(shard));
    const { config } = await shardStream(jsm, shard);
    const before = cutOf(config);
    // A copy that was left over is all that may remain to be done.
    const isLeftOver = before > 0 && (await readStream(jsm, copyStreamOf(shard))) !== undefined;
    const begun = Number(config.metadata?.[TRIMMING] ?? (isLeftOver ? before : 0));
    if (begun > 0) {
      if (archived < begun)
        throw new ArchiveError(
          towerStream(shard),
          `it is being trimmed up to ${begun}, and the archive has only ${archived}`,
        );
      const record = await readRecord(jsm, shard, begun);
      assertSigned(record, shard, key.towerId);
      const kept = Array.from(decodePositions(await readKept(jsm, record)));
      return { shard, cut: begun, kept, before, isBegun: true };
    }
    if (archived <= before) return undefined;
    this.needs.expect(2 * archived);
    const kept = await planTrim(this.source, shard, archived, way);
    const left = before > 0 ? (await readRecord(jsm, shard, before)).kept.count : 0;
    if (kept.length === left + archived - before) return undefined;
    return { shard, cut: archived, kept, before, isBegun: false };
  }

  /** Trims a shard as planned; gives its stream then. */
  async trim(plan: ShardPlan, step: (step: Step) => void): Promise<StreamInfo> {
    const { log, jsm, way } = this.needs;
    const { shard, cut, kept, before } = plan;
    this.needs.expect(plan.isBegun ? cut : 2 * cut);
    if (!plan.isBegun) await this.#writeDown(plan);
    const tower = towerStream(shard);
    const wanted = wantedStreams(this.layout).find(({ name }) => name === tower);
    if (!wanted) throw new TypeError(`there is no ${tower}`);
    const candidates = before > 0 ? decodePositions(await readKept(jsm, await readRecord(jsm, shard, before))) : [];
    return rebuildStream({
      nc: log.nc,
      jsm,
      shard,
      cut,
      wanted,
      drop: () => without(until(candidates, before, cut), kept),
      frozen: () => assertAlone(jsm, this.layout),
      verify: (copy, original) => compareCopy(log.nc, { source: this.source, plan, copy, original, way }),
      compare: (stream, copy) => compareStreams(log.nc, stream, copy, way),
      step,
      signal: way.signal,
    });
  }

  /** What nodes and auditors have to know of the trim is on the log before anything is taken from it. */
  async #writeDown({ shard, cut, kept }: ShardPlan): Promise<void> {
    const { log, jsm, key, way } = this.needs;
    const head = this.archive.streams.get(towerStream(shard))?.at(-1)?.header.head;
    if (head?.signed.treeSize !== cut) throw new TypeError(`no head is over ${cut}`);
    const { position, signed } = head;
    await ensureTrimStreams(jsm, this.layout);
    await writeLeaves(log, shard, leavesOf(this.source, shard, cut, way));
    const about = { shard, cut, root: signed.root, head: { position, sha256: headHash(signed) } };
    await writeTrim(log, about, kept, key.sign);
  }
}

/** Rejects with `OperatorError` if anybody follows the log: a node does, or did some seconds ago. */
async function assertAlone(jsm: JetStreamManager, layout: LogLayout): Promise<void> {
  for (const { name } of wantedStreams(layout)) {
    const found = await readStream(jsm, name);
    if ((found?.state.consumer_count ?? 0) > 0)
      throw new OperatorError('a node is at work on this log: stop every node, and try again in half a minute');
  }
}

/** A shard's stream; its copy while it is not there. */
async function shardStream(jsm: JetStreamManager, shard: Shard): Promise<StreamInfo> {
  const found = (await readStream(jsm, towerStream(shard))) ?? (await readStream(jsm, copyStreamOf(shard)));
  if (!found) throw new StreamDriftError([], [towerStream(shard)]);
  return found;
}

/** What the archive ends with has to be what the log has there. */
async function assertMeets({ jsm, way }: TrimNeeds, source: ArchiveSource, stream: string): Promise<void> {
  const last = await source.tail(stream);
  const shard = /^TOWER_(\d+)$/.exec(stream)?.[1];
  const name = shard === undefined ? stream : (await shardStream(jsm, Number(shard) as Shard)).config.name;
  const found = await jsm.streams.getMessage(await whole(jsm, name), { seq: last }).catch(() => undefined);
  for await (const [message] of source.read(stream, last, last, way.signal))
    if (!found || !message || message.subject !== found.subject || Buffer.compare(message.data, found.data) !== 0)
      throw new ArchiveError(`${stream} ${last}`, 'the archive and the live log have different messages there');
}

/** A stream that is being made anew as a mirror may not have all yet: its origin has. */
async function whole(jsm: JetStreamManager, name: string): Promise<string> {
  return (await jsm.streams.info(name)).config.mirror?.name ?? name;
}

/** What there may be up to a cut: what an earlier trim has left, and all that came after it. */
function* until(left: Iterable<Position>, before: Position, cut: Position): Generator<Position> {
  yield* left;
  for (let position = before + 1; position <= cut; position++) yield position;
}

/** Those of ascending positions that are not among others. */
function* without(all: Iterable<Position>, others: Iterable<Position>): Generator<Position> {
  const left = others[Symbol.iterator]();
  let next = left.next();
  for (const position of all) {
    while (!next.done && next.value < position) next = left.next();
    if (next.done || next.value !== position) yield position;
  }
}
