import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { LogIdentity } from '../../../events/log/streams.js';
import { ArchiveFile } from './archive-file.js';
import { ArchiveError } from './errors.js';
import { isFileName } from './header.js';
import { DRAFT } from './write-file.js';

/** The files of an archive, as they say they are: of one log, and in each stream one behind the other from position 1 on. */
export interface Archive {
  readonly folder: string;
  /** Undefined where there is no file yet. */
  readonly identity: LogIdentity | undefined;
  /** By stream, in the order of positions. */
  readonly streams: ReadonlyMap<string, readonly ArchiveFile[]>;
}

/** The last position of a stream in an archive, 0 if it has none of it. */
export const archivedTo = ({ streams }: Pick<Archive, 'streams'>, stream: string): number =>
  streams.get(stream)?.at(-1)?.header.last ?? 0;

/**
 * Opens an archive: reads the first line and the end of each file. Rejects with `ArchiveError` if a file is not whole, or they
 * do not follow one another; with the system's error if the folder cannot be read.
 */
export async function openArchive(folder: string): Promise<Archive> {
  const names = (await readdir(folder)).filter(isFileName);
  const streams = new Map<string, ArchiveFile[]>();
  let first: ArchiveFile | undefined;
  for (const name of names.toSorted()) {
    const file = await ArchiveFile.open(join(folder, name));
    first ??= file;
    assertSameLog(first, file);
    const { stream } = file.header;
    streams.set(stream, [...(streams.get(stream) ?? []), file]);
  }
  for (const [stream, files] of streams) {
    files.sort((a, b) => a.header.first - b.header.first);
    assertOneBehindTheOther(stream, files);
  }
  return { folder, identity: first && identityOf(first), streams };
}

const identityOf = ({ header: { network, shards, tower } }: ArchiveFile): LogIdentity => ({
  network,
  shards,
  towerId: tower,
});

function assertSameLog(first: ArchiveFile, file: ArchiveFile): void {
  for (const field of ['tower', 'network', 'shards'] as const)
    if (file.header[field] !== first.header[field])
      throw new ArchiveError(
        file.name,
        `it is of another log: its ${field} is ${file.header[field]}, that of ${first.name} ${first.header[field]}`,
      );
  const { stream, shards } = file.header;
  if (Number(/^TOWER_(\d+)$/.exec(stream)?.[1] ?? 0) >= shards)
    throw new ArchiveError(file.name, `the log has only ${shards} shards`);
}

function assertOneBehindTheOther(stream: string, files: readonly ArchiveFile[]): void {
  let before: ArchiveFile | undefined;
  for (const file of files) {
    const { first, previous } = file.header;
    const next = (before?.header.last ?? 0) + 1;
    if (first > next) throw new ArchiveError(`${stream} ${next}`, `no file holds ${next} to ${first - 1}`);
    if (before && first < next) throw new ArchiveError(file.name, `${before.name} holds message ${first} as well`);
    if (previous !== (before?.sha256 ?? null))
      throw new ArchiveError(
        file.name,
        before ? `it was not written behind this ${before.name}` : 'it was written behind another file',
      );
    before = file;
  }
}

const LOCK = 'archive.lock';

/**
 * Makes the folder if need be, and acts in it as the only one that writes there. Rejects with `ArchiveError` if another process
 * does. What an earlier one left unfinished is removed.
 */
export async function withFolder<T>(folder: string, act: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  const lock = join(folder, LOCK);
  await takeLock(lock);
  try {
    for (const name of await readdir(folder))
      if (name.endsWith(DRAFT) && isFileName(name.slice(0, -DRAFT.length))) await rm(join(folder, name));
    return await act();
  } finally {
    await rm(lock, { force: true });
  }
}

async function takeLock(lock: string): Promise<void> {
  const owner = `${process.pid} ${hostname()}\n`;
  for (let tries = 0; ; tries++) {
    try {
      const handle = await open(lock, 'wx');
      await handle.writeFile(owner).finally(() => handle.close());
      return;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const [pid, host] = (await readFile(lock, 'utf8').catch(() => '')).trim().split(' ');
    const isGone = host === hostname() && !isAlive(Number(pid));
    if (!isGone || tries > 0)
      throw new ArchiveError(
        lock,
        `process ${pid || '?'} on ${host || '?'} writes this archive; if it does not, remove the file`,
      );
    await rm(lock, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
