import {
  AckPolicy,
  type ConsumerConfig,
  createInbox,
  DeliverPolicy,
  Events,
  type JetStreamManager,
  type Msg,
  type NatsConnection,
  type Subscription,
} from 'nats';
import { LogDamagedError } from './errors.js';

/** One message of a stream, with its position. */
export interface StreamMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly position: number;
}

export interface FollowOptions {
  readonly stream: string;
  /** Only messages of this subject, which are at positions with gaps; all of the stream, without gaps, unless given. */
  readonly subject?: string;
  /** The position after which to begin; 0 for the beginning. */
  readonly after: number;
  readonly onMessage: (message: StreamMessage) => void;
  /** Called once, when following cannot go on: a message that is missing, or one that `onMessage` threw at. */
  readonly onFailure: (error: Error) => void;
  /** Called whenever the stream cannot be followed just now; it is tried again. */
  readonly onWait?: (error: Error) => void;
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
 * message is lost on the way. A message that the server itself no longer has is damage: nothing may delete from the log.
 */
export class Follower {
  #position: number;
  #subscription: Subscription | undefined;
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
  ) {
    this.#position = options.after;
    void this.#begin();
    void this.#beginAtReconnects();
  }

  stop(): void {
    this.#stopped = true;
    this.#release();
  }

  async #begin(): Promise<void> {
    this.#release();
    if (this.#stopped) return;
    const inbox = createInbox();
    this.#arrived = 0;
    try {
      this.#subscription = this.nc.subscribe(inbox, { callback: (_, message) => this.#receive(message) });
      await this.jsm.consumers.add(this.options.stream, this.#consumer(inbox));
      this.#watch();
    } catch (error) {
      this.options.onWait?.(toError(error));
      this.#again();
    }
  }

  /** A server that was away has forgotten the consumer, or sent to nobody: no need to wait until the silence is noticed. */
  async #beginAtReconnects(): Promise<void> {
    for await (const { type } of this.nc.status()) {
      if (this.#stopped) return;
      if (type === Events.Reconnect) void this.#begin();
    }
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

  #receive(message: Msg): void {
    if (this.#stopped) return;
    this.#silence = 0;
    const { data } = message;
    // Headers are read where there is nothing else: to read those that a commit was appended with takes as long as the rest.
    if (data.length === 0 && message.headers?.code === 100) this.#control(message);
    else this.#deliver(message, data, this.#placeOf(message.reply));
  }

  #deliver({ subject }: Msg, data: Uint8Array, { position, delivery }: Place): void {
    if (delivery !== this.#arrived + 1) {
      void this.#begin();
      return;
    }
    this.#arrived = delivery;
    const next = this.#position + 1;
    if (position < next) return;
    if (position > next && this.options.subject === undefined) {
      this.#fail(new LogDamagedError(`${this.options.stream} has no message ${next}: it goes on at ${position}`));
      return;
    }
    try {
      this.options.onMessage({ subject, data, position });
      this.#position = position;
    } catch (error) {
      this.#fail(toError(error));
    }
  }

  /**
   * A heartbeat or a flow control request; the latter is answered, or the server would stop sending. A heartbeat tells
   * how many messages went before it: the only way to miss one when no other comes after it.
   */
  #control(message: Msg): void {
    const stalled = message.headers?.get('Nats-Consumer-Stalled');
    if (message.reply) message.respond();
    else if (stalled) this.nc.publish(stalled);
    const sent = message.headers?.get('Nats-Last-Consumer');
    if (sent && Number(sent) !== this.#arrived) void this.#begin();
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
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Where a delivered message stands: in its stream, and among those that its consumer has delivered. */
interface Place {
  readonly position: number;
  readonly delivery: number;
}

/**
 * From the reply subject of a delivered message:
 * `$JS.ACK.[<domain>.<hash>.]<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>[.<random>]`.
 *
 * What stands before the stream's sequence is the same in all messages of a consumer that delivers each once, so it is
 * gone through once.
 */
function placeReader(): (reply: string | undefined) => Place {
  let before: string | undefined;
  return (reply = '') => {
    if (before === undefined || !reply.startsWith(before)) {
      const tokens = reply.split('.');
      before = `${tokens.slice(0, tokens.length === 9 ? 5 : 7).join('.')}.`;
    }
    const dot = reply.indexOf('.', before.length);
    return { position: wholeNumber(reply, before.length), delivery: wholeNumber(reply, dot + 1) };
  };
}

/** The number in decimal that begins there and ends at a dot; NaN if there is none. */
function wholeNumber(text: string, from: number): number {
  let value = 0;
  for (let at = from; ; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) value = 10 * value + digit;
    else return at > from && text[at] === '.' ? value : Number.NaN;
  }
}
