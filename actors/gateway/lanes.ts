import type { Answer } from './answers.js';
import { refusedWith } from './answers.js';
import type { Bystander } from './bystander.js';
import { words } from './dialect.js';
import type { Fault, FieldLimits } from './faults.js';
import type { Caller, Gateway } from './gateway.js';
import { cautious, late, limited, overloaded } from './overload.js';
import type { RateLimiter } from './rate-limiter.js';
import type { RequestLog } from './request-log.js';
import { mostBytes, type Operation, objectOf } from './requests.js';

/** What a door needs of a Gateway. */
export type GatewayFace = Pick<Gateway, 'mostBytes' | 'refuse' | 'serve'>;

/** The way from one door to the Gateway. */
export interface Lane extends GatewayFace {
  /** Whether more come than are worked off. */
  readonly isCrowded: boolean;
  /** Whether hardly anybody waits. */
  readonly hasRoom: boolean;
}

/** A request that waits for its turn. */
interface Waiting {
  readonly operation: Operation;
  readonly body: Uint8Array;
  readonly caller: Caller;
  /** In ms of `performance.now()`. */
  readonly came: number;
  readonly answer: (answer: Answer | Promise<Answer>) => void;
}

/**
 * The lanes before a Gateway that is elsewhere, one for each door: so many requests are with it at a time, so many wait, and who comes
 * beyond that is refused at once, in its own words.
 *
 *   NATS door --requests--> its lane ---\
 *   HTTP door --requests--> its lane ----+--by turns, a bounded number at a time--> pass
 *
 * What is no JSON object goes no further than here. By turns, so that a flood over one door leaves the other its half.
 */
export class Lanes {
  readonly #lanes: Waiting[][] = [];
  #turn = 0;
  #underWay = 0;
  #bytes = 0;
  #waitingBytes = 0;
  #sweep: NodeJS.Timeout | undefined;
  /** When a lane was crowded last. */
  #crowded = Number.NEGATIVE_INFINITY;

  constructor(private readonly needs: LanesNeeds) {}

  /** One more lane. */
  lane(): Lane {
    const lane: Waiting[] = [];
    this.#lanes.push(lane);
    return {
      mostBytes: (operation) => mostBytes(operation, this.needs.limits.maxBlobBytes),
      refuse: (operation, fault, caller) => this.#refuse(operation, caller, this.#fault(operation, fault, caller)),
      serve: (operation, body, caller) => this.#take(lane, operation, body, caller),
      get isCrowded() {
        return lane.length >= CROWD;
      },
      get hasRoom() {
        return lane.length <= CROWD / 2;
      },
    };
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.length, 0);
  }

  #take(lane: Waiting[], operation: Operation, body: Uint8Array, caller: Caller): Promise<Answer> {
    this.needs.bystander.standAside();
    const refusal = this.#refusal(lane, operation, body, caller);
    if (refusal) return this.#refuse(operation, caller, refusal);
    this.#waitingBytes += body.length;
    return new Promise((answer) => {
      lane.push({ operation, body, caller, came: performance.now(), answer });
      this.#sweep ??= setTimeout(() => this.#refuseOld(), PATIENCE_MS);
      this.#passOn();
    });
  }

  /** Why a request is not to wait here, if it is not. */
  #refusal(lane: Waiting[], operation: Operation, body: Uint8Array, caller: Caller): Answer | undefined {
    if (this.needs.isLate()) return late(operation, caller);
    const tooMany = this.needs.limiter.ofSource(operation, caller.source);
    if (tooMany) return limited(operation, tooMany, cautious(operation, caller));
    if (lane.length >= CROWD) this.#crowded = performance.now();
    // Before it is looked at: what is refused costs nothing.
    if (lane.length >= MOST_WAITING || this.#waitingBytes > MOST_WAITING_BYTES) return overloaded(operation, caller);
    const json = objectOf(body, mostBytes(operation, this.needs.limits.maxBlobBytes));
    return json.ok ? undefined : this.#fault(operation, json.fault, caller);
  }

  #fault(operation: Operation, fault: Fault, { dialect }: Pick<Caller, 'dialect'>): Answer {
    return refusedWith('malformed-request', words[dialect].malformed(operation, fault, this.needs.limits));
  }

  /** What is answered here is noted here, too. */
  #refuse(operation: Operation, { id }: Pick<Caller, 'id'>, refusal: Answer): Promise<Answer> {
    return this.needs.requests.of({ operation, request: id }, async () => refusal);
  }

  #passOn(): void {
    while (this.#underWay < this.#most && this.#bytes < MOST_BYTES) {
      const next = this.#next();
      if (!next) return;
      const { operation, body, caller } = next;
      this.#waitingBytes -= body.length;
      if (isOld(next)) this.#giveUp(next);
      else if (this.needs.isLate()) next.answer(this.#refuse(operation, caller, late(operation, caller)));
      else void this.#pass(next, body.length);
    }
  }

  /** Also when those that are with the Gateway do not come back, nobody waits for longer than that. */
  #refuseOld(): void {
    for (const lane of this.#lanes)
      for (let first = lane[0]; first && isOld(first); first = lane[0]) {
        lane.shift();
        this.#waitingBytes -= first.body.length;
        this.#giveUp(first);
      }
    this.#sweep = this.waiting > 0 ? setTimeout(() => this.#refuseOld(), SWEEP_MS) : undefined;
  }

  #giveUp({ operation, caller, answer }: Waiting): void {
    answer(this.#refuse(operation, caller, overloaded(operation, caller)));
  }

  async #pass({ operation, body, caller, came, answer }: Waiting, size: number): Promise<void> {
    this.#underWay++;
    this.#bytes += size;
    try {
      const { source: _, ...counted } = caller;
      answer(await this.needs.pass(operation, body, counted, came));
    } catch {
      answer(overloaded(operation, caller));
    } finally {
      this.#underWay--;
      this.#bytes -= size;
      this.#passOn();
    }
  }

  /**
   * In a flood the node is given so little to do that it mostly waits: a thread that always has work is one that the system lets wait
   * for the processor when it has a block to read.
   */
  get #most(): number {
    return performance.now() - this.#crowded < FLOOD_MS ? MOST_IN_A_FLOOD : MOST_UNDER_WAY;
  }

  /** Of the lane whose turn it is; else of the next one in which somebody waits. */
  #next(): Waiting | undefined {
    for (let tried = 0; tried < this.#lanes.length; tried++) {
      const lane = this.#lanes[this.#turn++ % this.#lanes.length];
      const next = lane?.shift();
      if (next) return next;
    }
    return undefined;
  }
}

/** How many requests are with the Gateway at a time, and of how many bytes: what it has begun has to be done before a breach's turn. */
export const MOST_UNDER_WAY = 96;
const MOST_BYTES = 512 * 1024;
/** How many, while more come than are worked off; and for how long that is said after it was so, in ms. */
export const MOST_IN_A_FLOOD = 8;
const FLOOD_MS = 2_000;
/** How many wait in a lane, and for how long, in ms. */
export const MOST_WAITING = 384;
/** Of how many bytes, in all lanes. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024;
/** From so many on there are more than are worked off: more than wait of those who ask often, and wait for their answers. */
export const CROWD = 256;
const PATIENCE_MS = 2_500;
/** How often it is looked whether somebody has waited for longer, in ms. */
const SWEEP_MS = 250;

const isOld = ({ came }: Waiting): boolean => performance.now() - came > PATIENCE_MS;

export interface LanesNeeds {
  readonly limits: FieldLimits;
  /** Counts what comes from each source. */
  readonly limiter: Pick<RateLimiter, 'ofSource'>;
  readonly bystander: Pick<Bystander, 'standAside'>;
  /** Notes what is refused before the Gateway has heard of it. */
  readonly requests: Pick<RequestLog, 'of'>;
  /** Whether a request that is heard now may have been sent long ago. */
  readonly isLate: () => boolean;
  /** Hands a request on; `came` is in ms of `performance.now()`. */
  readonly pass: (operation: Operation, body: Uint8Array, caller: Caller, came: number) => Promise<Answer>;
}
