import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, CommanderError } from 'commander';
import { exportKey, KeyExportError, readKeyExport } from '../actors/key-export.js';
import { makePrivateFile, replacePrivateFile } from '../actors/private-file.js';
import {
  existingTowerId,
  existingTowerSecret,
  keepTowerSecret,
  SecretFileError,
  towerKeyFile,
} from '../actors/secrets.js';
import type { TowerId } from '../events/ids.js';
import { inputName, readText, STDIN } from './input.js';
import { knownPassphrase, newPassphrase } from './passphrase.js';
import { printFields, printJson } from './print.js';
import { addFolder, configOf } from './settings.js';

/** `argus key`: the tower's key, in the node's folder and on its way to another node. None of it talks to a running one. */

interface KeyOptions {
  readonly json?: true;
  readonly force?: true;
  readonly passphraseFile?: string;
}

export function addKeyCommands(program: Command): void {
  const key = program.command('key').description("show, export or import the tower's key, which all its nodes share");
  addFolder(key.command('show'))
    .description('print which tower the key is of and where it is, never the key')
    .option('--json', 'one line of JSON')
    .addHelpText('after', '\nExample:\n  argus key show')
    .action((_options, command: Command) => showKey(command));
  addFolder(key.command('export [file]'))
    .description('write the key, encrypted under a passphrase, to a file or to stdout')
    .option('--force', 'replace the file if it is there')
    .option(...PASSPHRASE_FILE)
    .addHelpText('after', `${PASSPHRASE_HELP}\n\nExample:\n  argus key export /media/safe/tower-key.json`)
    .action((file: string | undefined, _options, command: Command) => exportTo(file ?? STDIN, command));
  addFolder(key.command('import <file>'))
    .description('make an exported key (- is stdin) the key of this node, which must not be running')
    .option('--force', 'replace the key of another tower; without a copy of it, that tower is lost')
    .option(...PASSPHRASE_FILE)
    .addHelpText('after', `${PASSPHRASE_HELP}\n\nExample:\n  argus key import /media/safe/tower-key.json`)
    .action((file: string, _options, command: Command) => importFrom(file, command));
}

const PASSPHRASE_FILE = ['--passphrase-file <file>', "a file's first line is the passphrase (- is stdin)"] as const;
const PASSPHRASE_HELP =
  '\nThe passphrase is taken from --passphrase-file, else from ARGUS_PASSPHRASE, else asked for on the terminal.';

function showKey(command: Command): void {
  const file = keyFileOf(command);
  const fields = { tower_id: existingTowerId(file), file };
  if (command.opts<KeyOptions>().json) printJson(fields);
  else printFields(fields);
}

async function exportTo(to: string, command: Command): Promise<void> {
  const { force = false, passphraseFile } = command.opts<KeyOptions>();
  const file = keyFileOf(command);
  const secret = existingTowerSecret(file);
  try {
    checkTarget(to, file, force);
    const text = await exportKey(secret, await newPassphrase(passphraseFile));
    if (to === STDIN) return void process.stdout.write(text);
    writeExport(to, text, force);
    process.stdout.write(`The key of tower ${readKeyExport(text).towerId} is in ${to}, under the passphrase.\n`);
  } finally {
    secret.fill(0);
  }
}

/** Refuses what would be refused later, before a person is asked for a passphrase. */
function checkTarget(to: string, keyFile: string, force: boolean): void {
  if (to === STDIN) return;
  const found = statSync(to, { throwIfNoEntry: false });
  const { dev, ino } = statSync(keyFile);
  if (found?.dev === dev && found.ino === ino)
    throw new SecretFileError(`${to} is the key that the node runs with: it stays as it is`);
  if (found && !force) throw isThere(to);
}

function writeExport(to: string, text: string, force: boolean): void {
  const write = force ? replacePrivateFile : makePrivateFile;
  try {
    write(to, text);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') throw isThere(to);
    throw new SecretFileError(`${to} cannot be written: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

const isThere = (to: string) => new SecretFileError(`${to} is there already: --force replaces it`);

async function importFrom(from: string, command: Command): Promise<void> {
  const { force = false, passphraseFile } = command.opts<KeyOptions>();
  if (from === STDIN && passphraseFile === STDIN)
    throw new CommanderError(2, 'argus.argument', 'stdin can be the key or the passphrase, not both');
  const file = keyFileOf(command);
  const sealed = await namely(from, async () => readKeyExport(await readText(from)));
  const held = heldTower(file, force);
  if (held !== undefined && held !== sealed.towerId && !force)
    throw new SecretFileError(
      `${file} is the key of tower ${held}, which would be lost (${inputName(from)} is that of ${sealed.towerId}): export it first, and --force replaces it`,
    );
  const passphrase = await knownPassphrase(passphraseFile);
  const secret = await namely(from, () => sealed.open(passphrase));
  try {
    if (held === sealed.towerId) return;
    keepTowerSecret(file, secret, { replace: force });
  } finally {
    secret.fill(0);
  }
  const instead = held === undefined ? '' : `, in the place of that of tower ${held}`;
  process.stdout.write(`The key of tower ${sealed.towerId} is in ${file}${instead}.\n`);
}

/** The tower whose key the node has already. What is no key counts as none when it is to be replaced. */
function heldTower(file: string, force: boolean): TowerId | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return existingTowerId(file);
  } catch (error) {
    if (force && error instanceof SecretFileError) return undefined;
    throw error;
  }
}

const keyFileOf = (command: Command): string => resolve(towerKeyFile(configOf(command).data));

/** Says in the error which file it is about. */
async function namely<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof KeyExportError) throw new KeyExportError(error.code, `${inputName(file)}: ${error.message}`);
    throw error;
  }
}
