import { readFileSync } from 'node:fs';

/**
 * Whether a crash of this process may write its memory, and with it the tower's key, to a file: what the soft limit on core
 * files says where Linux tells it; undefined elsewhere. A process cannot change that limit of its own in JavaScript.
 */
export function mayDumpCore(limits: string | undefined = ownLimits()): boolean | undefined {
  const soft = /^Max core file size\s+(\S+)/m.exec(limits ?? '')?.[1];
  return soft === undefined ? undefined : soft !== '0';
}

/** What is said of it at the start. */
export const CORE_DUMPS =
  "a crash of this process may write its memory, with the tower's key, to a core file: ulimit -c 0, or LimitCORE=0 in a unit of systemd, turns that off";

function ownLimits(): string | undefined {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
}
