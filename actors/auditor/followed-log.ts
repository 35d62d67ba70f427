import { setTimeout as sleep } from 'node:timers/promises';
import type { Commit } from '../../events/commit.js';
import type { Position } from '../../events/ids.js';
import { LogDamagedError, LogUnavailableError } from '../../events/log/errors.js';
import { record } from '../../events/log/log-reader.js';
import { inWords } from '../event-words.js';
import { eventRows } from './event-rows.js';
import type { HistorySource } from './history-source.js';
import type { StreamRange } from './log-range.js';
import type { Happening } from './timeline.js';

/** How often it is asked whether there is something new, and how long is waited for a log that is away, in ms. */
const ASK_MS = 250;
const RETRY_MS = 1_000;

export interface Following {
  /** Whether events of this type are wanted. */
  readonly isWanted: (type: string) => boolean;
  readonly signal: AbortSignal;
  /** Called whenever the log is away; it is tried again. */
  readonly onWait: (error: Error) => void;
  /** Called whenever all that there is has come. */
  readonly onLevel?: () => void;
  /** How long a log that is away is waited for, in ms; a second unless told. */
  readonly retryMs?: number;
}

/**
 * The events that come to some streams, from positions on, as they come, for ever: through restarts and outages of the server. Ends
 * without an error when the signal is aborted; rejects with what reading a commit throws, and with `LogDamagedError` if a stream
 * has fewer messages than it had.
 */
export async function* followed(
  source: Pick<HistorySource, 'tail' | 'read'>,
  streams: readonly Omit<StreamRange, 'through'>[],
  options: Following,
): AsyncGenerator<readonly Happening[]> {
  const { signal, onWait, retryMs = RETRY_MS } = options;
  const at = new Map<string, Position>(streams.map(({ stream, after }) => [stream, after]));
  while (!signal.aborted) {
    try {
      for (const { stream, shard } of streams) {
        const last = at.get(stream) ?? 0;
        const tail = await source.tail(stream);
        if (tail < last) throw new LogDamagedError(`${stream} had ${last} messages and has ${tail} now`);
        if (tail === last) continue;
        for await (const batch of source.read(stream, last + 1, tail, signal)) {
          const happenings: Happening[] = [];
          for (const message of batch) {
            const commit = record(message.data, message.subject, message.position, shard);
            const rows = eventRows(commit, message);
            commit.events.forEach((event: Commit['events'][number], i) => {
              const row = rows[i];
              if (row && options.isWanted(event.type))
                happenings.push({ row, words: inWords(event), stored: message.time });
            });
          }
          yield happenings;
          at.set(stream, batch.at(-1)?.position ?? last);
        }
      }
      options.onLevel?.();
      await pause(ASK_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof LogUnavailableError)) throw error;
      onWait(error);
      await pause(retryMs, signal);
    }
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<unknown> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
