import type { HistorySource } from '../../actors/auditor/history-source.js';
import { beginningOf, type LogPlace, LogPlaces } from '../../actors/auditor/log-place.js';
import { type LogPoint, LogPointError, parsePoint } from '../../actors/auditor/log-point.js';
import { notUnderstood } from '../arguments.js';

/** Moments on the command line. What is none, or not one of this log, is a wrong argument. */

/** What `--help` says of the forms of a moment. */
export const POINTS_HELP = `
A moment (POINT) is
  1200, 2:1200          a position of the log; where there are several shards, of that one
  2026-10-01T12:00:00Z  a time; 2026-10-01 is its first moment in UTC
  height:850000         a block, with those connected in the same commit: up to where it was evaluated
  end                   the newest there is
--until takes what was there at that moment in, --from begins with it.`;

/** What nobody asked for wrongly, but for `LogPointError`. Rejects with `CommanderError` for that. */
async function understood<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LogPointError) throw notUnderstood(error.message);
    throw error;
  }
}

/** A moment that is given on the command line; `end` unless it is. */
export const pointOf = (text: string | undefined): Promise<LogPoint> => understood(() => parsePoint(text ?? 'end'));

/** The height that is given on the command line as the moment of its block. */
export function heightPoint(text: string): LogPoint {
  if (!/^\d{1,10}$/.test(text)) throw notUnderstood(`${text.slice(0, 100)} is not a height`);
  return { kind: 'height', height: Number(text) };
}

export const placeThrough = (point: LogPoint, source: HistorySource, signal: AbortSignal): Promise<LogPlace> =>
  understood(() => new LogPlaces(source, signal).through(point));

/** What is before a moment; nothing if there is no moment. */
export const placeBefore = (
  point: LogPoint | undefined,
  source: HistorySource,
  signal: AbortSignal,
): Promise<LogPlace> => understood(() => (point ? new LogPlaces(source, signal).before(point) : beginningOf(source)));

/** How many messages there are between two places. */
export const messagesBetween = (after: LogPlace, through: LogPlace): number =>
  Math.max(0, through.chain - after.chain) +
  Math.max(0, (through.policy ?? 0) - (after.policy ?? 0)) +
  through.shards.reduce((sum, position, shard) => sum + Math.max(0, position - (after.shards[shard] ?? 0)), 0);
