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
  /** The position after which to begin; 0 for the beginning. */
  readonly after: number;
  readonly onMessage: (message: StreamMessage) => void;
  /** Called once, when following cannot go on: a message that is missing, or one that `onMessage` threw at. */
  readonly onFailure: (error: Error) => void;
  /** Called whenever the stream cannot be followed just now; it is tried again. */
  readonly onWait?: (error: Error) => void;
}

const HEARTBEAT_MS = 2_000;
const SILENCE_MS = 3 * HEARTBEAT_MS;
const RETRY_MS = 250;
const nanos = (ms: number) => ms * 1_000_000;

/**
 * Follows a stream from a position, in order and without gaps, through restarts and outages of the server.
 *
 * Uses an ephemeral push consumer with flow control, made anew at the next position whenever it falls silent or a
 * message is lost on the way. A message that the server itself no longer has is damage: nothing may delete from the log.
 */
export class Follower {
  #position: number;
  #subscription: Subscription | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;
  /** How many messages of the consumer have arrived. It numbers them, so that one that was lost on its way is missed. */
  #arrived = 0;

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
    this.#watch();
    if (message.headers?.code === 100) this.#control(message);
    else this.#deliver(message, placeOf(message.reply));
  }

  #deliver({ subject, data }: Msg, { position, delivery }: Place): void {
    if (delivery !== this.#arrived + 1) {
      void this.#begin();
      return;
    }
    this.#arrived = delivery;
    const next = this.#position + 1;
    if (position < next) return;
    if (position > next) {
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
    clearTimeout(this.#watchdog);
    if (!this.#stopped) this.#watchdog = setTimeout(() => void this.#begin(), SILENCE_MS);
  }

  #again(): void {
    if (!this.#stopped) this.#retry = setTimeout(() => void this.#begin(), RETRY_MS);
  }

  #release(): void {
    clearTimeout(this.#watchdog);
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

/** From the reply subject of a delivered message: `$JS.ACK.[<domain>.<hash>.]<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>[.<random>]`. */
function placeOf(reply: string | undefined): Place {
  const tokens = (reply ?? '').split('.');
  const at = tokens.length === 9 ? 5 : 7;
  return { position: Number(tokens[at]), delivery: Number(tokens[at + 1]) };
}
