import type { TrackerState } from '../../projections/tracker.js';
import type { EndAppointment } from './decisions.js';

/** How an appointment ends when its tracker is in this state; undefined while there is work with it. */
export function endingOf(state: TrackerState): EndAppointment['end'] | undefined {
  switch (state.stage) {
    case 'irrevocable':
      return { reason: 'resolved' };
    case 'blob-refused':
    case 'penalty-refused':
      return { reason: 'rejected', blob: state.blob };
    default:
      return undefined;
  }
}
