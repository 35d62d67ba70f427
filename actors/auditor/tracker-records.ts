import type { AppointmentId } from '../../events/ids.js';
import { isLive, isOnlySighted, noTracker, type TrackerState } from '../../projections/tracker.js';

/** A tracker, as an audit remembers it. */
export interface TrackerRecord {
  readonly state: TrackerState;
  /** Since when it is answered or buried, in ms, by its node's clock; undefined while it is neither. */
  readonly triggered: number | undefined;
  /** Since when an outdated subscription does not end its appointment. */
  readonly held: number | undefined;
}

/** As they are saved between two audits. */
export interface SavedTrackers {
  readonly trackers: readonly (readonly [AppointmentId, TrackerRecord])[];
  readonly ended: readonly (readonly [AppointmentId, number])[];
}

/** The trackers of a shard, and what others of the tower ask about them. */
export class TrackerRecords {
  readonly #trackers: Map<AppointmentId, TrackerRecord>;
  /** Appointments that ended lately, and when. */
  readonly #ended: Map<AppointmentId, number>;

  constructor(
    private readonly crossingMs: number,
    saved?: SavedTrackers,
  ) {
    this.#trackers = new Map(saved?.trackers);
    this.#ended = new Map(saved?.ended);
  }

  save(): SavedTrackers {
    return { trackers: [...this.#trackers], ended: [...this.#ended] };
  }

  get size(): number {
    return this.#trackers.size;
  }

  has(id: AppointmentId): boolean {
    return this.#trackers.has(id);
  }

  state(id: AppointmentId): TrackerState {
    return this.#trackers.get(id)?.state ?? noTracker();
  }

  set(id: AppointmentId, state: TrackerState, time: number): void {
    const before = this.#trackers.get(id);
    const isTriggered = isLive(state) || state.stage === 'irrevocable';
    const isHeld = isLive(state) && !isOnlySighted(state);
    const triggered = isTriggered ? (before?.triggered ?? time) : undefined;
    this.#trackers.set(id, { state, triggered, held: isHeld ? (before?.held ?? time) : undefined });
  }

  /** What was given up of a breach that was never mined is forgotten; a breach that comes is a new one. */
  forgetSighted(id: AppointmentId): void {
    const { state } = this.#trackers.get(id) ?? {};
    const isGivenUp = state?.stage === 'blob-refused' || state?.stage === 'penalty-refused';
    if (isGivenUp && isOnlySighted(state)) this.#trackers.delete(id);
  }

  /** For how long, at a time, its breach has been answered, or was to the end; negative if it is not. */
  triggeredSince(id: AppointmentId, time: number): number {
    const { triggered } = this.#trackers.get(id) ?? {};
    return triggered === undefined ? -1 : time - triggered;
  }

  /** For how long it has been answered in a way that no subscription's end ends. */
  heldSince(id: AppointmentId, time: number): number {
    const { held } = this.#trackers.get(id) ?? {};
    return held === undefined ? -1 : time - held;
  }

  /** How a tracker has come to its end; nothing while it has not. */
  endOf(id: AppointmentId): { readonly stage?: TrackerState['stage']; readonly blob?: number } {
    const state = this.state(id);
    if (state.stage === 'irrevocable') return { stage: state.stage };
    return state.stage === 'blob-refused' || state.stage === 'penalty-refused' ? state : {};
  }

  /** An appointment ended; what is said of it for a while after may have been decided before. */
  ended(id: AppointmentId, time: number): void {
    this.#ended.delete(id);
    this.#ended.set(id, time);
    for (const [other, when] of this.#ended) {
      if (when >= time - this.crossingMs) break;
      this.#ended.delete(other);
    }
  }

  endedLately(id: AppointmentId, time: number): boolean {
    return (this.#ended.get(id) ?? Number.NEGATIVE_INFINITY) >= time - this.crossingMs;
  }
}
