import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { AuditMessage } from '../audit-source.js';
import { ArchiveError } from './errors.js';
import { type ArchiveHeader, fileName, MAX_HEADER, readHeader } from './header.js';
import { END_BYTES, MEMBER_HEAD, type Member, readEnd, readMember, unpackMember } from './members.js';

/** Where a member is in its file. */
interface Place extends Member {
  readonly at: number;
}

/**
 * An archive file to be read. What is known of it after `open` is what its first line and its end say; `check` tells whether
 * that is so. Everything rejects with `ArchiveError` where the file is not what it should be, else with the system's error.
 */
export class ArchiveFile {
  #places: readonly Place[] | undefined;

  private constructor(
    readonly path: string,
    readonly header: ArchiveHeader,
    readonly bytes: number,
    /** What it is known by: SHA-256 of all but its last member, hex, as the last member says. */
    readonly sha256: string,
    private readonly headerBytes: number,
  ) {}

  static async open(path: string): Promise<ArchiveFile> {
    const name = basename(path);
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const { header, size: headerBytes } = readHeader(await bytesAt(handle, 0, MAX_HEADER), name);
      if (fileName(header) !== name)
        throw new ArchiveError(
          name,
          `its header is that of ${fileName(header)}: it was renamed, or swapped for another`,
        );
      const end = readEnd(await bytesAt(handle, Math.max(0, size - END_BYTES), END_BYTES));
      if (!end || size < headerBytes + END_BYTES)
        throw new ArchiveError(name, 'its end is not there, or is damaged: it is not whole');
      if (end.next !== header.last + 1)
        throw new ArchiveError(name, `it ends before ${end.next}, not at ${header.last}`);
      return new ArchiveFile(path, header, size, end.sha256, headerBytes);
    } finally {
      await handle.close();
    }
  }

  get name(): string {
    return basename(this.path);
  }

  /** Compares all its bytes with the hash at its end. */
  async check(signal: AbortSignal): Promise<void> {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(this.path, { end: this.bytes - END_BYTES - 1, signal }))
      hash.update(chunk);
    if (hash.digest('hex') !== this.sha256) throw this.#damaged('its checksum is wrong: it is damaged');
  }

  /** Its messages from a position through another, both of which it has to have, a member at a time. */
  async *messages(from: number, through: number): AsyncGenerator<readonly AuditMessage[]> {
    const handle = await open(this.path, 'r');
    try {
      const places = await this.#index(handle);
      const wanted = places.filter(({ first, count }) => first <= through && first + count > from);
      // One is unpacked while another is used.
      let next = wanted[0] && this.#unpack(handle, wanted[0]);
      next?.catch(() => {});
      for (const following of [...wanted.slice(1), undefined]) {
        const messages = (await next) ?? [];
        next = following && this.#unpack(handle, following);
        next?.catch(() => {});
        const [first = from, last = through] = [messages[0]?.position, messages.at(-1)?.position];
        yield first >= from && last <= through
          ? messages
          : messages.slice(Math.max(0, from - first), through - first + 1);
      }
      await next;
    } finally {
      await handle.close();
    }
  }

  /** The messages of the member that holds a position of it. */
  async around(position: number): Promise<readonly AuditMessage[]> {
    const handle = await open(this.path, 'r');
    try {
      const place = (await this.#index(handle)).find(({ first, count }) => position < first + count);
      return place ? await this.#unpack(handle, place) : [];
    } finally {
      await handle.close();
    }
  }

  async #unpack(handle: FileHandle, { at, length, first, count }: Place): Promise<AuditMessage[]> {
    const messages = await unpackMember(await bytesAt(handle, at, length), this.header.stream);
    if (messages) return messages;
    throw this.#damaged(`messages ${first} to ${first + count - 1} cannot be unpacked: it is damaged`);
  }

  /** Where its members are, by their first bytes. */
  async #index(handle: FileHandle): Promise<readonly Place[]> {
    if (this.#places) return this.#places;
    const places: Place[] = [];
    let next = this.header.first;
    for (let at = this.headerBytes; at < this.bytes - END_BYTES; ) {
      const member = readMember(await bytesAt(handle, at, MEMBER_HEAD));
      if (member?.first !== next || member.count === 0 || at + member.length > this.bytes - END_BYTES)
        throw this.#damaged(`what should hold message ${next}, at byte ${at}, does not: it is damaged`);
      places.push({ ...member, at });
      next += member.count;
      at += member.length;
    }
    if (next !== this.header.last + 1) throw this.#damaged(`it holds no more than ${next - 1}`);
    this.#places = places;
    return places;
  }

  #damaged(why: string): ArchiveError {
    return new ArchiveError(this.name, why);
  }
}

async function bytesAt(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await handle.read(buffer, read, length - read, at + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return buffer.subarray(0, read);
}
