import { createInterface } from 'node:readline/promises';

/** Asks the person at the terminal; anything but `yes` is no. */
export async function isConfirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    return (
      (await Promise.race([terminal.question(`${question} Only 'yes' is taken for it: `), closed])).trim() === 'yes'
    );
  } finally {
    terminal.close();
  }
}
