import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

/** What other processes show of themselves on Linux. */

/** A process and all that it has started, and so on, by their ids. */
export function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(name));
  const family = [pid];
  for (const member of family) for (const [child, parent] of parents) if (parent === member) family.push(child);
  return family;
}

const parentOf = (pid: string): number => Number(/\nPPid:\t(\d+)/.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);

/** What anybody of the same user can read of a process: its arguments and, read after them, its environment. */
export const obviousPlaces = (pid: number): Buffer =>
  Buffer.concat(['cmdline', 'environ'].map((name) => Buffer.from(textOf(`/proc/${pid}/${name}`))));

/** What a process was started with. A child that is not yet what it is to become has its parent's. */
export const argumentsOf = (pid: number): string => textOf(`/proc/${pid}/cmdline`);

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // it has ended
  }
}

/** How often each of some bytes is in the memory that a process may write to; it has to be frozen. */
export function timesInMemory(pid: number, wanted: readonly Buffer[]): number[] {
  const found = wanted.map(() => 0);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const chunk = Buffer.alloc(CHUNK + OVERLAP);
  try {
    for (const [from, to] of writableAreas(pid))
      for (let at = from; at < to; at += CHUNK) {
        const length = Math.min(chunk.length, to - at);
        const bytes = chunk.subarray(0, readAt(memory, chunk, length, at));
        for (const [i, what] of wanted.entries()) found[i] = (found[i] ?? 0) + timesIn(bytes, what);
      }
  } finally {
    closeSync(memory);
  }
  return found;
}

const CHUNK = 1 << 20;
/** So that what lies across two chunks is seen; it counts where it begins. */
const OVERLAP = 256;

function timesIn(bytes: Buffer, what: Buffer): number {
  let times = 0;
  for (let at = bytes.indexOf(what); at >= 0 && at < CHUNK; at = bytes.indexOf(what, at + 1)) times++;
  return times;
}

function readAt(fd: number, into: Buffer, length: number, position: number): number {
  try {
    return readSync(fd, into, 0, length, position);
  } catch {
    return 0; // memory of a device
  }
}

function writableAreas(pid: number): [from: number, to: number][] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm);
  return Array.from(lines, ([, from = '', to = '']) => [Number.parseInt(from, 16), Number.parseInt(to, 16)]);
}
