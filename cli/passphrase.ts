import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ReadStream } from 'node:tty';
import { inputName, readLine, STDIN } from './input.js';

/**
 * Passphrases: from a file, from the environment, or asked of a person.
 *
 *   of an exported key   --passphrase-file FILE > ARGUS_PASSPHRASE > the terminal, without echo
 *   of the node's own    a file (`kept-key.ts`) > the terminal
 *
 * The terminal is the process's own, not stdin, so that stdin and stdout may lead elsewhere.
 */

/** There is no passphrase, or it will not do; the message is for the operator. */
export class PassphraseError extends Error {
  readonly code = 'passphrase';
}

const VARIABLE = 'ARGUS_PASSPHRASE';
/** What the variable says. It is gone from the environment before anything is done, so no child of ours is given it. */
const fromEnvironment = process.env[VARIABLE];
delete process.env[VARIABLE];

/** Of a new one, in characters. */
const MIN_LENGTH = 8;

/** What a person is asked. */
export interface Prompts {
  readonly first: string;
  readonly again?: string;
}

/** A passphrase to encrypt an export with; a person is asked twice. Rejects with `PassphraseError`, and `InputError` of the file. */
export const newPassphrase = (file: string | undefined): Promise<string> =>
  makeNew(givenPassphrase(file), { first: 'Passphrase: ', again: 'Again: ' }, HINT);

/** The passphrase that an export was encrypted with; a person is asked once. Rejects as `newPassphrase` does. */
export const knownPassphrase = (file: string | undefined): Promise<string> =>
  makeKnown(givenPassphrase(file), { first: 'Passphrase: ' }, HINT);

/** A new passphrase from a file or the terminal alone, and never from the environment. Rejects as `newPassphrase` does. */
export const askNew = (file: string | undefined, prompts: Prompts): Promise<string> => makeNew(ofFile(file), prompts);

/** The same of one that something was encrypted with. */
export const askKnown = (file: string | undefined, prompts: Prompts): Promise<string> =>
  makeKnown(ofFile(file), prompts);

const HINT = `: give --passphrase-file or ${VARIABLE}`;

type Given = Promise<{ readonly text: string; readonly from: string } | undefined>;

async function makeNew(giving: Given, { first, again: repeat = first }: Prompts, hint = ''): Promise<string> {
  const given = await giving;
  const [passphrase = '', again] = given ? [given.text, given.text] : await ask([first, repeat], hint);
  if (passphrase !== again) throw new PassphraseError('the two passphrases are not the same');
  if ([...passphrase].length < MIN_LENGTH)
    throw new PassphraseError(
      `${given?.from ?? 'the passphrase'} is too short: ${MIN_LENGTH} characters are the least`,
    );
  return passphrase;
}

async function makeKnown(giving: Given, { first }: Prompts, hint = ''): Promise<string> {
  const given = await giving;
  const [passphrase = ''] = given ? [given.text] : await ask([first], hint);
  if (passphrase === '') throw new PassphraseError(`${given?.from ?? 'the passphrase'} is empty`);
  return passphrase;
}

async function givenPassphrase(file: string | undefined): Given {
  if (file !== undefined || fromEnvironment === undefined) return ofFile(file);
  return { text: fromEnvironment, from: VARIABLE };
}

async function ofFile(file: string | undefined): Given {
  if (file === undefined) return undefined;
  const name = inputName(file);
  // A secret that is mounted into a container may be for a group; one that is for everybody is no secret.
  const found = file === STDIN ? undefined : statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() && (found.mode & 0o007) !== 0)
    throw new PassphraseError(`the passphrase in ${name} can be read by everybody: chmod 600 ${name}`);
  return { text: await readLine(file), from: `the passphrase in ${name}` };
}

/** Asks a person one question after another; resolves with a line for each. */
async function ask(questions: readonly string[], hint: string): Promise<string[]> {
  const terminal = openTerminal(hint);
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
function openTerminal(hint: string) {
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
    throw new PassphraseError(`there is no terminal to ask for a passphrase on${hint}`, { cause });
  }
}
