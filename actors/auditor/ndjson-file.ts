import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { z } from 'zod';
import type { StreamRange } from './log-range.js';

/** How much is written at once, in characters. */
const CHUNK = 1 << 20;
/** How much of the end of a file is looked at for its last rows; a message of NATS, and so a row, has 1 MB. */
const TAIL_BYTES = 8 << 20;

const Place = z.object({ stream: z.string(), position: z.number().int().min(1) });

/** What is to be gone on with and is not what this writes; the message is for whoever named it. */
export class ExportFileError extends Error {
  readonly code = 'export-file';
}

/** A file of events, each a line of JSON, that can be gone on with where it was broken off. */
export class NdjsonFile {
  readonly #file: number;
  #lines: string[] = [];
  #size = 0;
  /** The position to go on with, if any: the last that the file had something of, which was taken off, since some may be missing. */
  readonly last: z.infer<typeof Place> | undefined;

  /** Begins a file anew, or goes on with one. Every method throws what the file system says. */
  constructor(path: string, { resume }: { readonly resume: boolean }) {
    this.#file = openSync(path, resume ? 'r+' : 'w', 0o644);
    if (resume) this.last = this.#cutLast();
  }

  /** Lines, each without its end. */
  write(lines: readonly string[]): void {
    for (const line of lines) {
      this.#lines.push(line);
      this.#size += line.length;
      if (this.#size >= CHUNK) this.#flush();
    }
  }

  /** Its rows are on the disk from then on. */
  finish(): void {
    this.#flush();
    fsyncSync(this.#file);
    closeSync(this.#file);
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    const bytes = Buffer.from(`${this.#lines.join('\n')}\n`);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at, bytes.length - at, this.#end + at);
    this.#end += bytes.length;
    this.#lines = [];
    this.#size = 0;
  }

  #end = 0;

  /** Takes off the last position's rows, of which some may be missing, and what was not written whole. */
  #cutLast(): z.infer<typeof Place> | undefined {
    const { size } = fstatSync(this.#file);
    const from = Math.max(0, size - TAIL_BYTES);
    const tail = Buffer.alloc(size - from);
    readSync(this.#file, tail, 0, tail.length, from);
    let end = tail.lastIndexOf(NEWLINE) + 1;
    let last: z.infer<typeof Place> | undefined;
    while (end > 0) {
      const begin = end === 1 ? 0 : tail.lastIndexOf(NEWLINE, end - 2) + 1;
      const place = placeOf(tail.toString('utf8', begin, end));
      if (!place) throw new ExportFileError('what is there is not an export of events as JSON');
      if (last && (place.stream !== last.stream || place.position !== last.position)) break;
      last = place;
      end = begin;
    }
    if (!last && size > TAIL_BYTES) throw new ExportFileError('what is there is not an export of events as JSON');
    this.#end = from + end;
    ftruncateSync(this.#file, this.#end);
    return last;
  }
}

const NEWLINE = 0x0a;

function placeOf(line: string): z.infer<typeof Place> | undefined {
  try {
    return Place.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** What of an export is left to do from a position on, which is done again. Throws `ExportFileError` if it is no part of it. */
export function remainingFrom(ranges: readonly StreamRange[], last: NdjsonFile['last']): readonly StreamRange[] {
  if (!last) return ranges;
  const at = ranges.findIndex(({ stream }) => stream === last.stream);
  const range = ranges[at];
  if (!range || last.position <= range.after || last.position > range.through)
    throw new ExportFileError(`what is there ends at ${last.stream}:${last.position}, which is not in this range`);
  return [{ ...range, after: last.position - 1 }, ...ranges.slice(at + 1)];
}
