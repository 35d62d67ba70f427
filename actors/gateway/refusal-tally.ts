import type { Meter } from '../meter.js';
import type { Refusals } from './door-wire.js';
import type { Operation } from './requests.js';

/** How many requests the thread of doors answered itself, by operation and outcome, since that was told last. */
export class RefusalTally implements Pick<Meter, 'requestBegan' | 'requestEnded'> {
  #counts = new Map<string, { operation: Operation; outcome: string; count: number }>();

  requestBegan(): void {}

  requestEnded(operation: Operation, outcome: string): void {
    const key = `${operation} ${outcome}`;
    const counted = this.#counts.get(key);
    if (counted) counted.count++;
    else this.#counts.set(key, { operation, outcome, count: 1 });
  }

  /** What was counted; counting begins anew. */
  take(): readonly Refusals[] {
    const taken = Array.from(this.#counts.values());
    this.#counts = new Map();
    return taken;
  }
}
