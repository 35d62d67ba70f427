import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Files that only their owner may read (mode 0600), written whole or not at all: the text is on the disk under a name of
 * its own before it gets the name that is asked for, so that also a power loss leaves no half of it.
 */

/** Makes a file. Throws the system's error: `EEXIST` if there is anything of that name already, which is left as it is. */
export function makePrivateFile(file: string, text: Uint8Array | string): void {
  withDraft(file, text, (draft) => {
    try {
      linkSync(draft, file);
    } catch (error) {
      if (!hasNoLinks(error)) throw error;
      copyFileSync(draft, file, constants.COPYFILE_EXCL);
      sync(file);
    }
  });
}

/** Makes a file, in the place of the one of that name or where a symbolic link leads. Throws if that is no regular file. */
export function replacePrivateFile(file: string, text: Uint8Array | string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  // To be root and to rename over /dev/null would be a pity.
  if (found && !found.isFile()) throw new Error(`${file} is not a regular file`);
  const target = found ? realpathSync(file) : file;
  withDraft(target, text, (draft) => renameSync(draft, target));
}

/** Of file systems such as that of a USB stick. */
const hasNoLinks = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['EPERM', 'ENOTSUP', 'ENOSYS'].includes(String(error.code));

/**
 * Removes what attempts at a file left that were killed, which may hold a secret. Nobody else may be writing that file.
 */
export function removeDrafts(file: string): void {
  const target = existsSync(file) ? realpathSync(file) : file;
  const [folder, name] = [dirname(target), basename(target)];
  if (!existsSync(folder)) return;
  for (const other of readdirSync(folder))
    if (other.startsWith(`${name}.`) && DRAFT.test(other.slice(name.length)))
      rmSync(join(folder, other), { force: true });
}

const DRAFT = /^\.[0-9a-f]{16}\.new$/;

function withDraft(file: string, text: Uint8Array | string, use: (draft: string) => void): void {
  const draft = `${file}.${randomBytes(8).toString('hex')}.new`;
  try {
    const fd = openSync(draft, 'wx', 0o600);
    try {
      fchmodSync(fd, 0o600);
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    use(draft);
  } finally {
    rmSync(draft, { force: true });
  }
  sync(dirname(file));
}

/** Puts a file, or the names in a folder, on the disk. */
function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
