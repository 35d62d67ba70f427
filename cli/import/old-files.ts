import {
  constants,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { ImportError } from './old-tower.js';

/**
 * The old tower's files are never opened by a database, which would write: they are copied, and the copy is opened. That they
 * did not change meanwhile is compared.
 */

/** What tells whether a file was written to. */
const markOf = (file: string): string => {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found ? `${found.size}/${found.mtimeNs}/${found.ino}` : 'none';
};

/** Copies files into a folder, those of them that there are; throws `ImportError` if one changed meanwhile. */
export function copyUnchanged(files: readonly string[], into: string): void {
  const before = files.map(markOf);
  for (const file of files)
    if (existsSync(file)) copyFileSync(file, join(into, basename(file)), constants.COPYFILE_FICLONE);
  const changed = files.find((file, i) => markOf(file) !== before[i]);
  if (changed !== undefined) throw new ImportError(`${changed} was written to while it was read. ${STOP_IT}`);
}

export const STOP_IT = 'Stop the old tower (teos-cli stop), see that it has ended, and try it again';

/**
 * The process that has a file open, as far as this system tells and lets us see: on Linux alone, and of other users only to
 * root.
 */
export function holderOf(file: string): string | undefined {
  const path = realpathSync(file);
  for (const pid of readable(() => readdirSync('/proc')).filter((name) => /^\d+$/.test(name)))
    for (const fd of readable(() => readdirSync(join('/proc', pid, 'fd'))))
      if (readable(() => [readlinkSync(join('/proc', pid, 'fd', fd))])[0] === path)
        return `${readable(() => [readFileSync(join('/proc', pid, 'comm'), 'utf8').trim()])[0] ?? 'a process'} (${pid})`;
  return undefined;
}

function readable(read: () => string[]): string[] {
  try {
    return read();
  } catch {
    return []; // it has ended, it is another user's, or there is no such folder
  }
}
