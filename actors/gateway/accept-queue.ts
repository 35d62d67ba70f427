import { closeSync, openSync, readSync } from 'node:fs';
import type { AddressInfo } from 'node:net';

/** A line of Linux's table of sockets: local port, state (0A listens), and in the receive queue's place how many wait. */
const LISTENING = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A [0-9A-F]+:([0-9A-F]+) /;

/**
 * How many connections to a listening socket were made by the system and not taken yet, at this very moment; 0 also where
 * the system does not tell (it does on Linux).
 *
 * The table is read line by line, and no further than to the socket: what listens comes first, and to walk through the rest
 * takes the system tens of milliseconds.
 */
export function waitingAt({ port, family }: Pick<AddressInfo, 'port' | 'family'>): number {
  let table: number | undefined;
  try {
    table = openSync(family === 'IPv6' ? '/proc/self/net/tcp6' : '/proc/self/net/tcp', 'r');
    return waitingIn(table, port);
  } catch {
    return 0;
  } finally {
    if (table !== undefined) closeSync(table);
  }
}

function waitingIn(table: number, port: number): number {
  const bytes = Buffer.alloc(LINE_BYTES);
  let text = '';
  for (let first = true, size = -1; size !== 0; ) {
    size = readSync(table, bytes);
    text += bytes.toString('latin1', 0, size);
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const [found, local = '', queue = ''] = LISTENING.exec(line) ?? [];
      if (Number.parseInt(local, 16) === port) return Number.parseInt(queue, 16);
      if (!found && !first) return 0;
      first = false;
    }
  }
  return 0;
}

/** The system gives about as many bytes as it is asked for, in whole lines of at least that length. */
const LINE_BYTES = 150;
