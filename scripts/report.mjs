// What the set-up scripts say, and how they give up. Everything goes to stderr: stdout belongs to the program
// that is started in the end.

/** What the person at the keyboard can put right; its message is meant for them and printed without a stack. */
export class SetupError extends Error {}

/** @param {string} line */
export function log(line) {
  process.stderr.write(`argus: ${line}\n`);
}

/** A count of bytes for people. @param {number} bytes */
export function size(bytes) {
  return bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * Runs a script's main function; what people can put right (a SetupError, or the system's own, such as a folder
 * that may not be written to) becomes its message and exit status 1.
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SetupError || error.syscall)) throw error;
    for (const line of error.message.split('\n')) log(line);
    process.exitCode = 1;
  }
}
