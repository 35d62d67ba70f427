import {
  AckPolicy,
  type ConsumerConfig,
  createInbox,
  DeliverPolicy,
  type JetStreamManager,
  type NatsConnection,
} from 'nats';
import { DamagedTrimError, Succession, type Trim } from '../trim-record.js';
import { openBulkLine } from './bulk-line.js';
import { type Place, placeReader } from './delivery.js';
import { LogDamagedError } from './errors.js';
import { type Control, clientLine, type Line, type Listener } from './line.js';
import { takesWireLines } from './wire-line.js';

/** One message of a stream, with its position. Its bytes are good until whoever is given it returns. */
export interface StreamMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly position: number;
}

export interface FollowOptions {
  readonly stream: string;
  /** Only messages of this subject, which are at positions with gaps; all of the stream, without gaps, unless given. */
  readonly subject?: string;
  /** What is left of the stream, if it was trimmed: asked once, before it is followed. */
  readonly trim?: () => Promise<Trim | undefined>;
  /** How to read what is there already, if it is much; by the client, like all else, unless given. */
  readonly bulk?: Bulk | undefined;
  /** The position after which to begin; 0 for the beginning. */
  readonly after: number;
  readonly onMessage: (message: StreamMessage) => void;
  /** Called once, when following cannot go on: a message that is missing, or one that `onMessage` threw at. */
  readonly onFailure: (error: Error) => void;
  /** Called whenever the stream cannot be followed just now; it is tried again. */
  readonly onWait?: (error: Error) => void;
}

/** Reading over a connection of its own: the seed of its nkey, and how many messages it is worth while for. */
export interface Bulk {
  readonly seed: string;
  readonly from: number;
}

const HEARTBEAT_MS = 2_000;
/** After so many heartbeats' time without a word the consumer is given up. */
const SILENCE = 3;
const RETRY_MS = 250;
const nanos = (ms: number) => ms * 1_000_000;

/**
 * Follows a stream, or one subject of it, from a position, in order and without gaps, through restarts and outages of the server.
 *
 * Uses an ephemeral push consumer with flow control, made anew at the next position whenever it falls silent or a
 * message is lost on the way. A message that the server itself no longer has is damage: nothing may delete from the log. Of a
 * stream that was trimmed exactly the messages come that its record names; and it is followed from its beginning, or from
 * behind the cut, since what came in between is told by none of them.
 */
export class Follower {
  #position: number;
  /** Which position comes after which; undefined until that was asked. */
  #succession: Succession | undefined;
  #line: Line | undefined;
  /** Which beginning this is: whatever an earlier one comes to is too late. */
  #turn = 0;
  /** The position up to which is read in bulk; and whether that did not work. */
  #bulkEnd = 0;
  #isBulkBroken = false;
  #watchdog: NodeJS.Timeout | undefined;
  /** How often the watchdog has looked since something came. */
  #silence = 0;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;
  /** How many messages of the consumer have arrived. It numbers them, so that one that was lost on its way is missed. */
  #arrived = 0;
  readonly #placeOf = placeReader();

  constructor(
    private readonly nc: NatsConnection,
    private readonly jsm: JetStreamManager,
    private readonly options: FollowOptions,
    private readonly onStop: (follower: Follower) => void = () => {},
  ) {
    this.#position = options.after;
    void this.#begin();
  }

  stop(): void {
    this.#stopped = true;
    this.#turn++;
    this.#release();
    this.onStop(this);
  }

  async #begin(): Promise<void> {
    this.#release();
    if (this.#stopped) return;
    const turn = ++this.#turn;
    const inbox = createInbox();
    this.#arrived = 0;
    try {
      this.#succession ??= await this.#learn();
      const line = await this.#open(inbox, turn);
      if (turn !== this.#turn) return line.close();
      this.#line = line;
      await this.jsm.consumers.add(this.options.stream, this.#consumer(inbox));
      if (turn === this.#turn) this.#watch();
    } catch (error) {
      if (turn !== this.#turn) return;
      if (isDamage(error)) return this.#fail(error);
      this.options.onWait?.(toError(error));
      this.#again();
    }
  }

  async #learn(): Promise<Succession> {
    const { stream, after, trim: ask, subject } = this.options;
    const trim = subject === undefined ? await ask?.() : undefined;
    if (trim && after > 0 && after < trim.cut)
      throw new LogDamagedError(`${stream} was trimmed up to ${trim.cut}: it cannot be followed from ${after} on`);
    return new Succession(trim);
  }

  /** What is there already comes in bulk, if it is much; what is new, and all where that does not work, by the client. */
  async #open(inbox: string, turn: number): Promise<Line> {
    const isCurrent = () => turn === this.#turn;
    const listener: Listener = {
      onDelivery: (subject, data, reply) => isCurrent() && this.#deliver(subject, data, this.#placeOf(reply)),
      onControl: (control) => isCurrent() && this.#control(control),
      onEnd: () => isCurrent() && this.#goOnByClient(),
    };
    const { bulk, stream, subject } = this.options;
    this.#bulkEnd = 0;
    if (!bulk || subject !== undefined || this.#isBulkBroken || !takesWireLines(this.nc))
      return clientLine(this.nc, inbox, listener);
    const { last_seq: last } = (await this.jsm.streams.info(stream)).state;
    if (last - this.#position < bulk.from) return clientLine(this.nc, inbox, listener);
    this.#bulkEnd = last;
    return openBulkLine(this.nc, bulk.seed, inbox, listener).catch(() => {
      this.#isBulkBroken = true;
      this.#bulkEnd = 0;
      return clientLine(this.nc, inbox, listener);
    });
  }

  #goOnByClient(): void {
    this.#isBulkBroken = true;
    void this.#begin();
  }

  /** To be told of it: a server that was away has forgotten the consumer, or sent to nobody. No need to wait for the silence. */
  reconnected(): void {
    void this.#begin();
  }

  #consumer(inbox: string): Partial<ConsumerConfig> {
    return {
      deliver_subject: inbox,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#position + 1,
      ...(this.options.subject !== undefined && { filter_subject: this.options.subject }),
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: nanos(HEARTBEAT_MS),
      inactive_threshold: nanos(10 * HEARTBEAT_MS),
      mem_storage: true,
      num_replicas: 1,
    };
  }

  #deliver(subject: string, data: Uint8Array, { position, delivery }: Place): void {
    this.#silence = 0;
    if (delivery !== this.#arrived + 1) {
      this.#missed();
      return;
    }
    this.#arrived = delivery;
    if (position <= this.#position) return;
    try {
      if (this.options.subject === undefined) this.#assertNext(position);
      this.options.onMessage({ subject, data, position });
      this.#position = position;
      if (position === this.#bulkEnd) void this.#begin();
    } catch (error) {
      this.#fail(toError(error));
    }
  }

  #assertNext(position: number): void {
    const { stream } = this.options;
    const next = this.#succession?.after(this.#position) ?? position;
    if (position > next) throw new LogDamagedError(`${stream} has no message ${next}: it goes on at ${position}`);
    if (position < next) throw new LogDamagedError(`${stream} has message ${position}, which was trimmed`);
  }

  /**
   * A heartbeat or a flow control request; the latter is answered, or the server would stop sending. A heartbeat tells
   * how many messages went before it: the only way to miss one when no other comes after it.
   */
  #control({ answer, sent }: Control): void {
    this.#silence = 0;
    if (answer) this.#line?.publish(answer);
    if (sent !== undefined && sent !== this.#arrived) this.#missed();
  }

  /** Something was lost on its way. */
  #missed(): void {
    if (this.#bulkEnd > 0) this.#goOnByClient();
    else void this.#begin();
  }

  #fail(error: Error): void {
    this.stop();
    this.options.onFailure(error);
  }

  #watch(): void {
    clearInterval(this.#watchdog);
    this.#silence = 0;
    if (!this.#stopped) this.#watchdog = setInterval(() => this.#look(), HEARTBEAT_MS);
  }

  #look(): void {
    if (++this.#silence >= SILENCE) void this.#begin();
  }

  #again(): void {
    if (!this.#stopped) this.#retry = setTimeout(() => void this.#begin(), RETRY_MS);
  }

  #release(): void {
    clearInterval(this.#watchdog);
    clearTimeout(this.#retry);
    this.#line?.close();
    this.#line = undefined;
  }
}

const isDamage = (error: unknown): error is LogDamagedError | DamagedTrimError =>
  error instanceof LogDamagedError || error instanceof DamagedTrimError;

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
