import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../sync-folder.js';

/**
 * The folder in which a node keeps its snapshots, for its owner alone:
 *
 *     TOWER_0.snapshot          the newest one of a stream
 *     TOWER_0.<pid>.draft       one that a process is writing
 *     TOWER_0.<node>.started    a node has begun with a snapshot and is not level with the log yet
 */
export class SnapshotFolder {
  constructor(private readonly folder: string) {}

  /** Where the snapshot of a stream is. */
  file(stream: string): string {
    return join(this.folder, `${stream}.snapshot`);
  }

  /** The snapshot of a stream; undefined if there is none. Rejects with the system's error. */
  async read(stream: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.file(stream));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Writes a draft, and puts it on the disk; see `finish`. Rejects with the system's error, and leaves nothing then. */
  async draft(stream: string, pieces: Iterable<Uint8Array>): Promise<Draft> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await this.#clear();
    const file = join(this.folder, `${stream}.${process.pid}.draft`);
    const handle = await open(file, 'w', 0o600);
    try {
      for (const piece of pieces) await handle.appendFile(piece);
      await handle.datasync();
    } catch (error) {
      await handle.close();
      await rm(file, { force: true });
      throw error;
    }
    return {
      finish: async (end) => {
        try {
          await handle.appendFile(end);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(file, this.file(stream));
        await syncFolder(this.folder);
      },
    };
  }

  /** Removes the drafts of processes that are no more. */
  async #clear(): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const pid = Number(/\.(\d+)\.draft$/.exec(name)?.[1] ?? process.pid);
      if (pid !== process.pid && !isAlive(pid)) await rm(join(this.folder, name), { force: true });
    }
  }

  /** Whether a node began with a snapshot of a stream and did not get as far as being level with the log. */
  hasStarted(stream: string, node: string): boolean {
    return existsSync(this.#mark(stream, node));
  }

  /** Notes, or takes back, that a node has begun. It is done when this returns; where it cannot be, it is left. */
  noteStart(stream: string, node: string, isStarting: boolean): void {
    try {
      const mark = this.#mark(stream, node);
      if (isStarting) {
        mkdirSync(this.folder, { recursive: true, mode: 0o700 });
        writeFileSync(mark, '', { mode: 0o600 });
      } else rmSync(mark, { force: true });
    } catch {
      // On a disk that takes no writing. Then only a process that lives on knows.
    }
  }

  #mark(stream: string, node: string): string {
    return join(this.folder, `${stream}.${node}.started`);
  }
}

/** A snapshot that is on the disk but for its end. */
export interface Draft {
  /** Puts the end to it, and it in the place of the one before. Rejects with the system's error. */
  finish(end: Uint8Array): Promise<void>;
}

const isAbsent = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
