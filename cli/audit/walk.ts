import type { Command } from 'commander';
import type { AuditSource } from '../../actors/auditor/audit-source.js';
import type { Way } from '../../actors/auditor/tower-fold.js';
import { configOf } from '../settings.js';
import { Progress } from './progress.js';
import { openSource } from './source.js';

/** A command's way through the log, which people see the progress of and can end. */
export interface Walk {
  readonly signal: AbortSignal;
  /** For so many messages that are to be read. */
  readonly way: (messages: number) => Way;
  /** Takes the progress off the terminal, before something else is written there. */
  readonly clear: () => void;
}

/** What a shell gives a process that ended by ctrl-c. */
const INTERRUPTED = 130;

/**
 * Opens the log and acts on it. Ctrl-c ends that, so that it can put away what it has begun; the exit status is `interrupted` then.
 */
export async function walkLog(
  command: Command,
  act: (source: AuditSource, walk: Walk) => Promise<void>,
  interrupted = INTERRUPTED,
): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Error('interrupted'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const source = await openSource(configOf(command), command.opts());
  const progress = new Progress('messages');
  const { signal } = stopping;
  const way = (messages: number): Way => {
    progress.expect(messages);
    return { signal, onRead: (count) => progress.add(count) };
  };
  try {
    await act(source, { signal, way, clear: () => progress.end() });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    progress.end();
    await source.close();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
  if (signal.aborted) process.exitCode = interrupted;
}
