import { readFileSync } from 'node:fs';

/** What Linux knows of a listening socket: its local address and port, its state, and in the receive queue's place how many wait. */
const LISTENING = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A [0-9A-F]+:([0-9A-F]+) /gm;

/**
 * How many connections to a port were made by the system and not taken yet, at this very moment; 0 also where the system does
 * not tell (it does on Linux).
 */
export function waitingAt(port: number): number {
  let waiting = 0;
  for (const file of ['/proc/self/net/tcp', '/proc/self/net/tcp6'])
    for (const [, local = '', queue = ''] of tableIn(file).matchAll(LISTENING))
      if (Number.parseInt(local, 16) === port) waiting += Number.parseInt(queue, 16);
  return waiting;
}

function tableIn(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
