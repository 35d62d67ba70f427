import { closeSync, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ReadStream } from 'node:tty';
import { inputName, readLine } from './input.js';

/**
 * Passphrases: from a file, from the environment, or asked of a person.
 *
 *   --passphrase-file FILE > ARGUS_PASSPHRASE > the terminal, without echo
 *
 * The terminal is the process's own, not stdin, so that stdin and stdout may lead elsewhere.
 */

/** There is no passphrase, or it will not do; the message is for the operator. */
export class PassphraseError extends Error {
  readonly code = 'passphrase';
}

const VARIABLE = 'ARGUS_PASSPHRASE';
/** Of a new one, in characters. */
const MIN_LENGTH = 8;

/** A passphrase to encrypt with; a person is asked twice. Rejects with `PassphraseError`, and `InputError` of the file. */
export async function newPassphrase(file: string | undefined): Promise<string> {
  const given = await givenPassphrase(file);
  const [passphrase = '', again] = given ? [given.text, given.text] : await ask(['Passphrase: ', 'Again: ']);
  if (passphrase !== again) throw new PassphraseError('the two passphrases are not the same');
  if ([...passphrase].length < MIN_LENGTH)
    throw new PassphraseError(
      `${given?.from ?? 'the passphrase'} is too short: ${MIN_LENGTH} characters are the least`,
    );
  return passphrase;
}

/** The passphrase that something was encrypted with; a person is asked once. Rejects as `newPassphrase` does. */
export async function knownPassphrase(file: string | undefined): Promise<string> {
  const given = await givenPassphrase(file);
  const [passphrase = ''] = given ? [given.text] : await ask(['Passphrase: ']);
  if (passphrase === '') throw new PassphraseError(`${given?.from ?? 'the passphrase'} is empty`);
  return passphrase;
}

async function givenPassphrase(file: string | undefined) {
  if (file !== undefined) return { text: await readLine(file), from: `the passphrase in ${inputName(file)}` };
  const text = process.env[VARIABLE];
  return text === undefined ? undefined : { text, from: VARIABLE };
}

/** Asks a person one question after another; resolves with a line for each. */
async function ask(questions: readonly string[]): Promise<string[]> {
  const terminal = openTerminal();
  const lines = createInterface({ input: terminal.input, terminal: true, historySize: 0 });
  const answers: string[] = [];
  const askNext = () => terminal.write(questions[answers.length] ?? '');
  try {
    await new Promise<void>((resolve, reject) => {
      const breakOff = () => reject(new PassphraseError('no passphrase was given'));
      // Ctrl-C; then the end of input, also when the terminal goes away.
      lines.on('SIGINT', breakOff).on('close', breakOff);
      terminal.input.on('error', breakOff);
      lines.on('line', (line) => {
        terminal.write('\n');
        if (answers.push(line) === questions.length) resolve();
        else askNext();
      });
      // From here on nothing is echoed.
      askNext();
    });
    return answers;
  } catch (error) {
    terminal.write('\n');
    throw error;
  } finally {
    lines.close();
    terminal.close();
  }
}

/** The terminal that the process belongs to. */
function openTerminal() {
  try {
    const out = openSync('/dev/tty', 'w');
    const input = new ReadStream(openSync('/dev/tty', 'r'));
    return {
      input,
      write: (text: string) => void writeSync(out, text),
      close: () => {
        input.destroy();
        closeSync(out);
      },
    };
  } catch (cause) {
    throw new PassphraseError(
      `there is no terminal to ask for a passphrase on: give --passphrase-file or ${VARIABLE}`,
      { cause },
    );
  }
}
