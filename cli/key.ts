import { existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { exportKey, KeyExportError, readKeyExport } from '../actors/key-export.js';
import { laterIdentities } from '../actors/key-ring.js';
import { makePrivateFile, removeDrafts, replacePrivateFile } from '../actors/private-file.js';
import { SecretFileError } from '../actors/secret-file.js';
import { existingTowerKey, keepTowerKey, keepTowerSecret, towerOf } from '../actors/secrets.js';
import { TowerId } from '../events/ids.js';
import { notUnderstood, parseArgument } from './arguments.js';
import { inputName, readText, STDIN } from './input.js';
import { keyFileOf, Opener } from './kept-key.js';
import { addKeyEncryption } from './key-encryption.js';
import { addKeyRotation } from './key-rotation.js';
import { knownPassphrase, newPassphrase } from './passphrase.js';
import { printFields, printJson } from './print.js';
import { addKeyFlags, configOf } from './settings.js';

/** `argus key`: the tower's key, in the node's folder and on its way to another node. None of it talks to a running one. */

interface KeyOptions {
  readonly json?: true;
  readonly force?: true;
  readonly encrypted?: true;
  readonly later?: true;
  readonly id?: string;
  readonly passphraseFile?: string;
}

export function addKeyCommands(program: Command): void {
  const key = program
    .command('key')
    .description("show, encrypt, rotate, export or import the tower's key, which all its nodes share");
  addKeyFlags(key.command('show'))
    .description('print which tower the key is of, where it is, and whether it is encrypted; never the key')
    .option('--json', 'one line of JSON')
    .addHelpText('after', '\nExample:\n  argus key show')
    .action((_options, command: Command) => showKey(command));
  addKeyEncryption(key);
  addKeyRotation(key);
  addKeyFlags(key.command('export [file]'))
    .description('write the key, encrypted under a passphrase, to a file or to stdout')
    .option('--id <tower>', "the later identity whose key it is to be (default: the log's first)")
    .option('--force', 'replace the file if it is there')
    .option(...PASSPHRASE_FILE)
    .addHelpText('after', `${PASSPHRASE_HELP}\n\nExample:\n  argus key export /media/safe/tower-key.json`)
    .action((file: string | undefined, _options, command: Command) => exportTo(file ?? STDIN, command));
  addKeyFlags(key.command('import <file>'))
    .description('make an exported key (- is stdin) the key of this node, which must not be running')
    .option('--force', 'replace the key of another tower; without a copy of it, that tower is lost')
    .option('--later', 'it is the key of a later identity, and goes beside the others')
    .option('--encrypted', 'leave it encrypted, under the same passphrase')
    .option(...PASSPHRASE_FILE)
    .addHelpText('after', `${PASSPHRASE_HELP}\n\nExample:\n  argus key import /media/safe/tower-key.json`)
    .action((file: string, _options, command: Command) => importFrom(file, command));
}

const PASSPHRASE_FILE = ['--passphrase-file <file>', "a file's first line is the passphrase (- is stdin)"] as const;
const PASSPHRASE_HELP =
  '\nThe passphrase of the exported file is taken from --passphrase-file, else from ARGUS_PASSPHRASE, else asked for on the terminal.';

function showKey(command: Command): void {
  const file = keyFileOf(command);
  const kept = existingTowerKey(file);
  const later = laterIdentities(configOf(command).data);
  const others = later.length > 0 ? { later_identities: later } : {};
  const fields = { tower_id: towerOf(kept), file, encrypted: 'sealed' in kept, ...others };
  if (command.opts<KeyOptions>().json) printJson(fields);
  else printFields(fields);
}

async function exportTo(to: string, command: Command): Promise<void> {
  const { force = false, passphraseFile, id } = command.opts<KeyOptions>();
  const file = keyFileOf(command, id === undefined ? undefined : identityIn(id));
  const kept = existingTowerKey(file);
  checkTarget(to, file, force);
  const secret = await new Opener(configOf(command)).open(kept);
  try {
    const text = await exportKey(secret, await newPassphrase(passphraseFile));
    if (to === STDIN) return void process.stdout.write(text);
    writeExport(to, text, force);
    process.stdout.write(`The key of tower ${readKeyExport(text).towerId} is in ${to}, under the passphrase.\n`);
  } finally {
    secret.fill(0);
  }
}

function identityIn(text: string): TowerId {
  return parseArgument(TowerId, text);
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
  const { force = false, encrypted = false, later = false, passphraseFile } = command.opts<KeyOptions>();
  if (from === STDIN && passphraseFile === STDIN)
    throw notUnderstood('stdin can be the key or the passphrase, not both');
  const text = await readText(from);
  const sealed = readKeyExport(text, inputName(from));
  const file = keyFileOf(command, later ? sealed.towerId : undefined);
  const held = heldTower(file, force);
  if (held !== undefined && held !== sealed.towerId && !force)
    throw new SecretFileError(
      `${file} is the key of tower ${held}, which would be lost (${inputName(from)} is that of ${sealed.towerId}): export it first, and --force replaces it`,
    );
  const secret = await sealed.open(await knownPassphrase(passphraseFile));
  try {
    if (held === sealed.towerId) return;
    removeDrafts(file);
    if (encrypted) keepTowerKey(file, text, { replace: force });
    else keepTowerSecret(file, secret, { replace: force });
  } finally {
    secret.fill(0);
  }
  const instead = held === undefined ? '' : `, in the place of that of tower ${held}`;
  const how = encrypted ? ', under its passphrase' : '';
  process.stdout.write(`The key of tower ${sealed.towerId} is in ${file}${how}${instead}.\n`);
}

/** The tower whose key the node has already. What is no key counts as none when it is to be replaced. */
function heldTower(file: string, force: boolean): TowerId | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return towerOf(existingTowerKey(file));
  } catch (error) {
    if (force && (error instanceof SecretFileError || error instanceof KeyExportError)) return undefined;
    throw error;
  }
}
