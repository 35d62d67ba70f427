import { closeSync, openSync, readSync } from 'node:fs';

/** More than any settings, key or certificate. */
const MOST_BYTES = 1024 * 1024;

/**
 * The text in a file that is known to be small, UTF-8. Throws the system's error, or a `RangeError` for what is longer than
 * 1 MiB or has no end, such as a device.
 */
export function readSmallFile(name: string): string {
  const fd = openSync(name, 'r');
  try {
    const bytes = Buffer.alloc(MOST_BYTES + 1);
    let size = 0;
    for (let read = -1; read !== 0 && size < bytes.length; size += read)
      read = readSync(fd, bytes, size, bytes.length - size, null);
    if (size > MOST_BYTES) throw new RangeError(`it is longer than ${MOST_BYTES} bytes`);
    return bytes.toString('utf8', 0, size);
  } finally {
    closeSync(fd);
  }
}
