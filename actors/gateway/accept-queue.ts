import { closeSync, openSync, readSync } from 'node:fs';
import type { AddressInfo } from 'node:net';

/** A line of Linux's table of sockets: local port, state (0A listens), and in the receive queue's place how many wait. */
const LISTENING = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A [0-9A-F]+:([0-9A-F]+) /;

/**
 * The connections to a listening socket that were made by the system and not taken yet.
 *
 * Who asks wants to do something while none waits, and every microsecond in between is one in which another may come. So the
 * system's table stays open, what is looked at first is the line where the socket was last, and no more is read than lines of
 * listening sockets, which come first: to walk through the rest takes the system milliseconds.
 */
export class AcceptQueue {
  #table: number | undefined;
  readonly #port: string;
  readonly #bytes = Buffer.alloc(LONGEST_BYTES);
  #offset = 0;

  constructor({ port, family }: Pick<AddressInfo, 'port' | 'family'>) {
    this.#port = port.toString(16).toUpperCase().padStart(4, '0');
    try {
      this.#table = openSync(family === 'IPv6' ? '/proc/self/net/tcp6' : '/proc/self/net/tcp', 'r');
    } catch {
      // Another system than Linux.
    }
  }

  /** How many wait at this very moment; 0 also where the system does not tell. */
  get waiting(): number {
    const [port, waiting] = this.#read(this.#offset);
    return port === this.#port ? Number.parseInt(waiting, 16) : this.#find();
  }

  close(): void {
    if (this.#table !== undefined) closeSync(this.#table);
    this.#table = undefined;
  }

  /** Looks for the socket's line. The first line has the names of the columns. */
  #find(): number {
    for (let offset = this.#lengthAt(0); ; offset += this.#lengthAt(offset)) {
      const [port, waiting] = this.#read(offset);
      if (port === undefined) return 0;
      if (port !== this.#port) continue;
      this.#offset = offset;
      return Number.parseInt(waiting, 16);
    }
  }

  /** The port of the listening socket whose line is there, and how many wait for it, both in hexadecimal digits. */
  #read(offset: number): readonly [port: string | undefined, waiting: string] {
    const size = this.#table === undefined ? 0 : readSync(this.#table, this.#bytes, 0, LINE_BYTES, offset);
    const [, port, waiting = ''] = LISTENING.exec(this.#bytes.toString('latin1', 0, size)) ?? [];
    return [port, waiting];
  }

  /** IPv6 has longer lines. */
  #lengthAt(offset: number): number {
    if (this.#table === undefined) return 0;
    const size = readSync(this.#table, this.#bytes, 0, LONGEST_BYTES, offset);
    return this.#bytes.subarray(0, size).indexOf('\n') + 1;
  }
}

/** As much of a line as is needed; where it is the whole line, the system is not asked for the next one. */
const LINE_BYTES = 150;
const LONGEST_BYTES = 300;
