import type { Position } from '../../events/ids.js';

/** A moment in the history of a log, as people name it: see `parsePoint`. */
export type LogPoint =
  | { readonly kind: 'end' }
  /** A commit of a shard; of the only one unless it is said. */
  | { readonly kind: 'position'; readonly position: Position; readonly shard: number | undefined }
  /** In ms since 1970. */
  | { readonly kind: 'time'; readonly time: number }
  /** What was done about the block of the best chain at this height, and all before it. */
  | { readonly kind: 'height'; readonly height: number };

/** A moment that is not one, or that this log does not have; the message is for whoever named it. */
export class LogPointError extends Error {
  readonly code = 'log-point';
}

/** How moments are named, for whoever asks. */
export const POINT_FORMS =
  'a position (1200, or 2:1200 in shard 2), a time (2026-10-01, 2026-10-01T12:00:00Z), height:850000, or end';

const POSITION = /^(?:(\d{1,4}):)?(\d{1,15})$/;
const HEIGHT = /^height:(\d{1,10})$/;
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d))?$/i;

/** The moment that a text names; a date is its first millisecond, UTC. Throws `LogPointError`. */
export function parsePoint(text: string): LogPoint {
  if (text === 'end') return { kind: 'end' };
  const height = HEIGHT.exec(text);
  if (height) return { kind: 'height', height: Number(height[1]) };
  const position = POSITION.exec(text);
  if (position) {
    const [, shard, at] = position;
    return { kind: 'position', position: Number(at), shard: shard === undefined ? undefined : Number(shard) };
  }
  const [, date, clock = '00:00', zone = 'Z'] = TIME.exec(text) ?? [];
  const time = date === undefined ? Number.NaN : Date.parse(`${date}T${clock}${zone}`);
  if (Number.isNaN(time)) throw new LogPointError(`${text.slice(0, 100)} is not ${POINT_FORMS}`);
  return { kind: 'time', time };
}
