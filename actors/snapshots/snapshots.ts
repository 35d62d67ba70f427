import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fromHex } from '../../events/bytes.js';
import type { Position, Shard } from '../../events/ids.js';
import { HeadStore } from '../../events/log/heads.js';
import type { EventLog } from '../../events/log/log.js';
import { SharedFiles } from '../../events/log/shared-files.js';
import { CHAIN, SNAPSHOTS, towerStream } from '../../events/log/streams.js';
import { BlockWindow } from '../../projections/block-window.js';
import { ShardState } from '../../projections/shard-state.js';
import { type SnapshotSubject, signedText } from '../../projections/snapshot/frame.js';
import type { NodeOptions } from '../node-options.js';
import { why } from '../runtime/why.js';
import { version } from '../version.js';
import { type Order, Report, type Task } from './protocol.js';
import { SnapshotFolder } from './snapshot-folder.js';
import { SnapshotSource } from './snapshot-source.js';

/** What a stream is folded into. */
interface Folded {
  readonly position: Position;
}

/** How often it is looked whether a snapshot is due, in ms. */
const LOOK_MS = 1_000;
/** How long after a failure there is no other try, in ms: twice as long after each, up to the other. */
const FIRST_RETRY_MS = 15_000;
const MOST_RETRY_MS = 10 * 60_000;

/**
 * A node's snapshots: it begins with one, and has another process (`maker.ts`) make the next.
 *
 *   start --begin--> Snapshots --> SnapshotSource --> a state, or an empty one
 *   every `snapshots.every` commits --> the maker --digest--> Snapshots signs --> file, object store
 *
 * What fails before it is level with the log, or after, having begun with a snapshot, begins without one from then on; and
 * so does the next process, if this one ends before it is level. Then the maker begins at the beginning, too.
 */
export class Snapshots {
  readonly #path: string;
  readonly #folder: SnapshotFolder;
  readonly #source: SnapshotSource;
  /** The position of the last snapshot of each stream, as far as this node knows; 0 for none. */
  readonly #last = new Map<string, Position>();
  /** The streams of which this node uses none any more, and those of which the maker is to use none until it has made one. */
  readonly #distrusted = new Set<string>();
  readonly #afresh = new Set<string>();
  /** The streams that were begun with one and are not level with the log yet. */
  readonly #starting = new Set<string>();
  #maker: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pausedUntil = 0;
  #pause = FIRST_RETRY_MS;
  readonly #begun = performance.now();
  /** How long it took from then until everything was level with the log, in seconds; undefined until it is. */
  startSeconds: number | undefined;
  #stopped = false;

  constructor(
    private readonly options: Pick<NodeOptions, 'config' | 'key' | 'natsSeed' | 'natsUrl' | 'natsTrust' | 'logger'>,
    log: EventLog,
  ) {
    const { config, logger } = options;
    const { every } = config.snapshots;
    this.#path = join(config.data, 'snapshots');
    this.#folder = new SnapshotFolder(this.#path);
    this.#source = new SnapshotSource({
      folder: this.#folder,
      log,
      heads: new HeadStore(log),
      shared: () => SharedFiles.open(log.nc, SNAPSHOTS),
      every,
      warn: (unused) => logger.warn(unused, `a snapshot is not used: ${unused.why}`),
    });
  }

  /** What the node begins to fold the chain with. */
  chain(): Promise<Begun<BlockWindow>> {
    return this.#begin(this.#subject('chain', CHAIN, 0 as Shard), () => new BlockWindow(), isWindow);
  }

  /** Starts a shard with what there is of its state. It may `fail` as long as it runs, and is made anew then. */
  async shard<R>(
    shard: Shard,
    fail: (error: Error) => void,
    start: (state: ShardState, fail: (error: Error) => void) => Promise<R>,
  ): Promise<R> {
    const subject = this.#subject('shard', towerStream(shard), shard);
    const begun = await this.#begin(subject, () => new ShardState(), isShard);
    try {
      const running = await start(begun.state, (error) => {
        begun.failed();
        fail(error);
      });
      begun.level();
      return running;
    } catch (error) {
      begun.failed();
      throw error;
    }
  }

  /** The position of the last snapshot of a stream that this node made or began with; undefined if there is none. */
  position(stream: string): Position | undefined {
    return this.#last.get(stream) || undefined;
  }

  /** All is level with the log. From now on a snapshot is made of each state, whenever it is due. */
  watch(chain: Folded, shards: () => readonly (readonly [Shard, Folded])[]): void {
    this.startSeconds = Math.round(performance.now() - this.#begun) / 1000;
    const { every } = this.options.config.snapshots;
    if (every === 0 || this.#stopped) return;
    const look = () => {
      const states: [Task, Position][] = [
        [this.#task('chain', CHAIN, 0 as Shard), chain.position],
        ...shards().map(([shard, { position }]): [Task, Position] => [
          this.#task('shard', towerStream(shard), shard),
          position,
        ]),
      ];
      const due = states.filter(([{ stream }, position]) => position - (this.#last.get(stream) ?? 0) >= every);
      if (due.length > 0 && !this.#maker && Date.now() >= this.#pausedUntil) this.#make(due.map(([task]) => task));
    };
    this.#timer = setInterval(look, LOOK_MS).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    // To be told to stop is no failure.
    for (const stream of this.#starting) this.#note(stream, false);
    // What it writes counts only once it is whole, so it need not be asked.
    this.#maker?.kill('SIGKILL');
  }

  async #begin<S extends Folded>(subject: SnapshotSubject, empty: () => S, isOne: (state: object) => state is S) {
    const { config, logger } = this.options;
    const { node } = config;
    const { stream } = subject;
    const nothing: Begun<S> = { state: empty(), level: () => this.#note(stream, false), failed() {} };
    if (config.snapshots.every === 0) return nothing;
    if (this.#folder.hasStarted(stream, node)) {
      this.#distrust(stream);
      logger.warn({ stream }, 'the last start with a snapshot did not come to its end: all of the log is replayed');
    }
    if (this.#distrusted.has(stream)) return nothing;
    this.#note(stream, true);
    const found = await this.#source.find(subject);
    if (!found || !isOne(found.state)) {
      this.#note(stream, false);
      return nothing;
    }
    const { position } = found.state;
    this.#last.set(stream, position);
    logger.info({ stream, position }, 'begins with a snapshot');
    const failed = () => {
      if (this.#stopped) return;
      this.#distrust(stream);
      this.#last.delete(stream);
      this.#note(stream, true);
      this.#starting.delete(stream);
    };
    return { ...nothing, state: found.state, failed };
  }

  #distrust(stream: string): void {
    this.#distrusted.add(stream);
    this.#afresh.add(stream);
  }

  /** Notes where the next process finds it that a start is under way, or is over. */
  #note(stream: string, isStarting: boolean): void {
    this.#folder.noteStart(stream, this.options.config.node, isStarting);
    if (isStarting) this.#starting.add(stream);
    else this.#starting.delete(stream);
  }

  #make(tasks: readonly Task[]): void {
    const { natsUrl: servers, natsSeed: seed, natsTrust: trust, config, logger } = this.options;
    // Neither what this process was told about itself nor its output are the maker's.
    const maker = fork(join(import.meta.dirname, 'maker.js'), [], {
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#maker = maker;
    let [isDone, complaint] = [false, ''];
    maker.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-1_000);
    });
    const order: Order = {
      say: 'make',
      servers,
      seed,
      trust,
      name: `argus ${config.node} snapshots`,
      folder: this.#path,
      every: config.snapshots.every,
      madeBy: version,
      tasks: [...tasks],
    };
    maker.send(order, () => {});
    maker.on('message', (message) => {
      const report = Report.parse(message);
      if (report.say === 'done') isDone = true;
      else this.#heed(report, maker);
    });
    maker.on('error', (error) => logger.warn(why(error), 'snapshots cannot be made now'));
    maker.once('close', (status, signal) => {
      this.#maker = undefined;
      if (isDone || this.#stopped) return;
      this.#rest();
      logger.warn(
        { status, signal, why: complaint.trim() },
        'what makes snapshots ended too early; it is tried again later',
      );
    });
  }

  #heed(report: Exclude<Report, { say: 'done' }>, maker: ChildProcess): void {
    const { logger, key } = this.options;
    const { say, ...about } = report;
    switch (report.say) {
      case 'sign':
        maker.send({ say: 'signed', signature: key.sign(signedText(fromHex(report.digest))) }, () => {});
        return;
      case 'made':
        this.#last.set(report.stream, report.position);
        this.#afresh.delete(report.stream);
        this.#pause = FIRST_RETRY_MS;
        logger.info(about, 'a snapshot is made');
        return;
      case 'shared':
        logger.info(about, 'a snapshot is shared');
        return;
      case 'unused':
        logger.warn(about, `a snapshot is not used: ${report.why}`);
        return;
      case 'failed':
        this.#rest();
        logger.warn(
          about,
          `a snapshot cannot be ${report.what === 'make' ? 'made' : 'shared'}; it is tried again later`,
        );
    }
  }

  /** Something failed. */
  #rest(): void {
    this.#pausedUntil = Date.now() + this.#pause;
    this.#pause = Math.min(2 * this.#pause, MOST_RETRY_MS);
  }

  #subject(kind: SnapshotSubject['kind'], stream: string, shard: Shard): SnapshotSubject {
    const { key, config } = this.options;
    return { kind, stream, shard, tower: key.towerId, network: config.network };
  }

  #task(kind: Task['kind'], stream: string, shard: Shard): Task {
    return { ...this.#subject(kind, stream, shard), afresh: this.#afresh.has(stream) };
  }
}

const isShard = (state: object): state is ShardState => state instanceof ShardState;
const isWindow = (state: object): state is BlockWindow => state instanceof BlockWindow;

/** A state to go on with. */
export interface Begun<S> {
  readonly state: S;
  /** It is level with the log. */
  level(): void;
  /** What goes on with it has failed. */
  failed(): void;
}
