import { closeSync, openSync, readSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { groupsOf, groupsOf4 } from './ip-address.js';

/** A line of Linux's table of sockets: local address, state (0A listens), and in the receive queue's place how many wait. */
const LISTENING = /^ *\d+: ([0-9A-F]+:[0-9A-F]{4}) [0-9A-F]+:0000 0A [0-9A-F]+:([0-9A-F]+) /;

/**
 * The connections to a listening socket that were made by the system and not taken yet.
 *
 * Who asks wants to do something while none waits, and every microsecond in between is one in which another may come. So the
 * system's table stays open, what is looked at first is the line where the socket was last, and no more is read than lines of
 * listening sockets, which come first: to walk through the rest takes the system milliseconds.
 */
export class AcceptQueue {
  #table: number | undefined;
  readonly #name: string;
  readonly #bytes = Buffer.alloc(LONGEST_BYTES);
  #offset = 0;

  constructor(bound: AddressInfo) {
    this.#name = nameInTable(bound);
    try {
      this.#table = openSync(bound.family === 'IPv6' ? '/proc/self/net/tcp6' : '/proc/self/net/tcp', 'r');
    } catch {
      // Another system than Linux.
    }
  }

  /** How many wait at this very moment; 0 also where the system does not tell. */
  get waiting(): number {
    try {
      const [name, waiting] = this.#read(this.#offset);
      return name === this.#name ? Number.parseInt(waiting, 16) : this.#find();
    } catch {
      return 0;
    }
  }

  close(): void {
    if (this.#table !== undefined) closeSync(this.#table);
    this.#table = undefined;
  }

  /** Looks for the socket's line. The first line has the names of the columns. */
  #find(): number {
    let length = this.#lengthAt(0);
    for (let offset = length; length > 0; offset += length) {
      const [name, waiting] = this.#read(offset);
      if (name === undefined) return 0;
      if (name === this.#name) {
        this.#offset = offset;
        return Number.parseInt(waiting, 16);
      }
      length = this.#lengthAt(offset);
    }
    return 0;
  }

  /** The address of the listening socket whose line is there, and how many wait for it, as the table spells them. */
  #read(offset: number): readonly [name: string | undefined, waiting: string] {
    const size = this.#table === undefined ? 0 : readSync(this.#table, this.#bytes, 0, LINE_BYTES, offset);
    const [, name, waiting = ''] = LISTENING.exec(this.#bytes.toString('latin1', 0, size)) ?? [];
    return [name, waiting];
  }

  /** IPv6 has longer lines. */
  #lengthAt(offset: number): number {
    if (this.#table === undefined) return 0;
    const size = readSync(this.#table, this.#bytes, 0, LONGEST_BYTES, offset);
    return this.#bytes.subarray(0, size).indexOf('\n') + 1;
  }
}

/**
 * `0100007F:2656` for 127.0.0.1 and port 9814: the address in words of 32 bits, each as a number that this machine reads from its
 * bytes in their order on the wire; the port as a number.
 */
function nameInTable({ address, family, port }: AddressInfo): string {
  const groups = family === 'IPv6' ? groupsOf(address) : groupsOf4(address);
  const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
  const words = Array.from(new Uint32Array(bytes.buffer), (word) => word.toString(16).padStart(8, '0'));
  return `${words.join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

/** As much of a line as is needed; where it is the whole line, the system is not asked for the next one. */
const LINE_BYTES = 150;
const LONGEST_BYTES = 300;
