import { closeSync, constants, existsSync, fstatSync, mkdirSync, openSync, readSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { makePrivateFile } from './private-file.js';
import { secretBytes } from './secret-bytes.js';

/** Files with secrets: only their owner may read them, and they are read into memory that can be wiped. */

/** A secret's file is missing, not well formed, readable by others, or in the way of another. */
export class SecretFileError extends Error {
  readonly code = 'secret-file';

  /** `cure`: the line for a shell that mends it, where there is one. */
  constructor(message: string, { cure, ...options }: ErrorOptions & { readonly cure?: string } = {}) {
    super(cure === undefined ? message : `${message}: ${cure}`, options);
    this.cure = cure;
  }

  readonly cure: string | undefined;
}

/** No secret is longer. */
const MAX_BYTES = 65_536;

/**
 * What a secret's file holds, without white space around it; the caller wipes it. Throws `SecretFileError` if it cannot be
 * read, is no regular file, can be read by others, or belongs to another than the one that runs this.
 */
export function readSecretFile(file: string): Uint8Array {
  try {
    // What is checked is what is read, whatever becomes of the name meanwhile; and no pipe is waited for.
    const fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = fstatSync(fd);
      checkAccess(file, stats);
      return readWhole(fd, stats.size);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (cause instanceof SecretFileError) throw cause;
    throw new SecretFileError(`${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** The secret in a file, which is made with mode 0600 if there is none; the caller wipes it. Throws `SecretFileError`. */
export function readOrMakeSecretFile(file: string, make: () => Uint8Array): Uint8Array {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // A key is never overwritten, also not by two nodes that start at once.
  if (!existsSync(file)) makeUnlessThere(file, make());
  return readSecretFile(file);
}

function makeUnlessThere(file: string, secret: Uint8Array): void {
  try {
    makePrivateFile(file, secret);
  } catch (error) {
    if (!isThere(error)) throw error;
  } finally {
    secret.fill(0);
  }
}

/** Whether an attempt failed because there is something of that name. */
export const isThere = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EEXIST';

function checkAccess(file: string, stats: Stats): void {
  if (!stats.isFile()) throw new SecretFileError(`${file} cannot be read: it is not a regular file`);
  const { mode, uid, size } = stats;
  if ((mode & 0o077) !== 0)
    throw new SecretFileError(`${file} can be read by others (mode ${(mode & 0o777).toString(8)})`, {
      cure: `chmod 600 ${word(file)}`,
    });
  const user = process.geteuid?.();
  if (user !== undefined && uid !== user)
    throw new SecretFileError(`${file} belongs to user ${uid}, who may change it, not to ${user}`, {
      cure: `chown ${user} ${word(file)}`,
    });
  if (size > MAX_BYTES) throw new SecretFileError(`${file} is longer than ${MAX_BYTES} bytes`);
}

/** A file's name as one word of a shell's line. */
const word = (file: string): string => (/^[\w@%+=:,./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`);

function readWhole(fd: number, size: number): Uint8Array {
  const bytes = secretBytes(size);
  let end = 0;
  for (let read = -1; end < size && read !== 0; end += read) read = readSync(fd, bytes, end, size - end, null);
  const [from, to] = withoutSpace(bytes.subarray(0, end));
  const trimmed = secretBytes(to - from);
  trimmed.set(bytes.subarray(from, to));
  bytes.fill(0);
  return trimmed;
}

function withoutSpace(bytes: Uint8Array): [from: number, to: number] {
  let [from, to] = [0, bytes.length];
  while (from < to && isSpace(bytes[from])) from++;
  while (to > from && isSpace(bytes[to - 1])) to--;
  return [from, to];
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || (byte !== undefined && byte >= 9 && byte <= 13);
