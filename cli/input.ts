import { createReadStream } from 'node:fs';

/** Small texts from files and from stdin. */

/** A text that cannot be read; the message says which and why. */
export class InputError extends Error {
  readonly code = 'input';
}

/** What is asked for on the command line as `-`. */
export const STDIN = '-';

/** How a file is called when people are told of it. */
export const inputName = (file: string): string => (file === STDIN ? 'stdin' : file);

/** The text in a file, or on stdin for `-`: UTF-8, of 64 KiB at the most unless told. Rejects with `InputError`. */
export const readText = (file: string, mostBytes = MAX_BYTES): Promise<string> =>
  readInput(file, () => false, mostBytes);

/** The first line of it, without its end; what comes after it is not waited for. Rejects with `InputError`. */
export async function readLine(file: string): Promise<string> {
  const text = await readInput(file, (bytes) => bytes.includes(0x0a));
  return text.replace(/\r?\n[\s\S]*$/, '');
}

const MAX_BYTES = 65_536;

async function readInput(
  file: string,
  isEnough: (bytes: Uint8Array) => boolean,
  mostBytes = MAX_BYTES,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of file === STDIN ? process.stdin : createReadStream(file)) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > mostBytes || isEnough(chunk)) break;
    }
  } catch (cause) {
    throw new InputError(`${inputName(file)} cannot be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  if (size > mostBytes) throw new InputError(`${inputName(file)} is longer than ${mostBytes} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new InputError(`${inputName(file)} is not text (UTF-8)`, { cause });
  }
}
