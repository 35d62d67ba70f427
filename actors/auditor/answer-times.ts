import type { AppointmentId } from '../../events/ids.js';
import type { TrackerEvent } from '../../events/tracker.js';

/** How something that was measured many times is spread; null where it never was. */
export interface Spread {
  readonly count: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly most: number | null;
}

/** How long breaches waited, in ms by the clocks of the nodes that wrote of them, and in blocks of the chain. */
export interface Answers {
  /** From the first word of a breach to that of its penalty being broadcast. */
  readonly detected_to_broadcast_ms: Spread;
  readonly detected_to_broadcast_blocks: Spread;
  /** From there to the first block that had the penalty. */
  readonly broadcast_to_confirmed_ms: Spread;
  readonly broadcast_to_confirmed_blocks: Spread;
  readonly detected_to_confirmed_ms: Spread;
  readonly detected_to_confirmed_blocks: Spread;
  /** Breaches that were told of, and whose penalty never was; the tower may have given them up, or still be at it. */
  readonly unanswered: number;
}

/** When something was first told of: in ms since 1970, and the height that it was told with. */
interface Moment {
  readonly time: number;
  readonly height: number;
}

interface Answer {
  readonly detected: Moment;
  broadcast?: Moment;
  confirmed?: Moment;
  /** Whether the breach was told of in the range that is counted. */
  readonly counts: boolean;
}

/** Watches how long breaches wait for their answers: what happened first counts, whatever reorgs did to it afterwards. */
export class AnswerTimes {
  readonly #answers = new Map<AppointmentId, Answer>();

  /** `time`: of the commit, in ms since 1970. `counts`: whether a breach that begins with it is one of those that are asked about. */
  take(id: AppointmentId, event: TrackerEvent, time: number, counts: boolean): void {
    const answer = this.#answers.get(id);
    switch (event.type) {
      case 'BreachSighted':
        if (!answer) this.#answers.set(id, { detected: { time, height: event.height }, counts });
        return;
      case 'BreachDetected':
        if (!answer) this.#answers.set(id, { detected: { time, height: event.block.height }, counts });
        return;
      case 'PenaltyBroadcast':
        if (answer) answer.broadcast ??= { time, height: event.height };
        return;
      case 'PenaltyConfirmed':
        if (answer) answer.confirmed ??= { time, height: event.block.height };
    }
  }

  answers(): Answers {
    const all = Array.from(this.#answers.values()).filter(({ counts }) => counts);
    const spreads = (from: keyof Answer & Stage, to: keyof Answer & Stage) => {
      const pairs = all.flatMap((answer) => {
        const [a, b] = [answer[from], answer[to]];
        return a && b ? [[a, b] as const] : [];
      });
      return {
        ms: spreadOf(pairs.map(([a, b]) => b.time - a.time)),
        blocks: spreadOf(pairs.map(([a, b]) => b.height - a.height)),
      };
    };
    const answered = spreads('detected', 'broadcast');
    const mined = spreads('broadcast', 'confirmed');
    const whole = spreads('detected', 'confirmed');
    return {
      detected_to_broadcast_ms: answered.ms,
      detected_to_broadcast_blocks: answered.blocks,
      broadcast_to_confirmed_ms: mined.ms,
      broadcast_to_confirmed_blocks: mined.blocks,
      detected_to_confirmed_ms: whole.ms,
      detected_to_confirmed_blocks: whole.blocks,
      unanswered: all.filter(({ broadcast }) => !broadcast).length,
    };
  }
}

type Stage = 'detected' | 'broadcast' | 'confirmed';

/** By nearest rank: each of them is a value that was measured. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), most: at(1) };
}
