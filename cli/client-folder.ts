import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { replacePrivateFile } from '../actors/private-file.js';
import { towerKey } from '../actors/secrets.js';
import type { Locator, TowerId } from '../events/ids.js';
import { Evidence } from '../events/proofs/appointment-proof.js';
import { InputError } from './input.js';

/** Where a client of the command line keeps its key, and what towers gave it. */
export const DEFAULT_FOLDER = join(homedir(), '.argus', 'client');

type Receipt = Evidence['receipt'];

/**
 * A client's folder: its key, and for each tower what it answered, as files that `argus client verify` and `argus client
 * evidence` take. All of them are readable by their owner alone.
 *
 *   client.key                                      the secret key: 64 hex digits
 *   <tower>/subscription-<expiry>.json              the answer to a registration
 *   <tower>/<locator>-<start>.appointment.json      what was sent
 *   <tower>/<locator>-<start>.receipt.json          what was signed for it
 *   <tower>/<locator>-<start>.proof.json            that it is on the tower's log
 *   <tower>/<locator>-<start>.deletion.json         that it is to be forgotten
 *   <tower>/bad-answer-<time>.json                  what was signed, and not with the tower's key, or not as it has to be
 */
export class ClientFolder {
  readonly #folder: string;

  constructor(
    private readonly base: string,
    tower: TowerId,
  ) {
    this.#folder = join(base, tower);
  }

  /** The user's secret key, 32 bytes; made if there is none. Throws `SecretFileError`. */
  secretKey(): Uint8Array {
    const key = towerKey(join(this.base, 'client.key'));
    const secret = new Uint8Array(32);
    key.copySecret(secret);
    key.wipe();
    return secret;
  }

  /** Writes what is to be kept, in the place of what has the same name; gives the file's name. */
  keep(name: string, content: unknown): string {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const file = join(this.#folder, `${name}.json`);
    replacePrivateFile(file, `${JSON.stringify(content)}\n`);
    return file;
  }

  /** What an appointment's files begin with. */
  static nameOf({ locator, startBlock }: Pick<Receipt, 'locator' | 'startBlock'>): string {
    return `${locator}-${startBlock}`;
  }

  /** The newest receipt for a locator. Throws `InputError` if there is none, or it cannot be read. */
  receipt(locator: Locator): Receipt {
    const files = existsSync(this.#folder) ? readdirSync(this.#folder) : [];
    const starts = files.flatMap((file) => {
      const [, start] = file.startsWith(locator)
        ? (/^-(\d+)\.receipt\.json$/.exec(file.slice(locator.length)) ?? [])
        : [];
      return start === undefined ? [] : [Number(start)];
    });
    if (starts.length === 0) throw new InputError(`there is no receipt for ${locator} in ${this.#folder}`);
    const file = join(
      this.#folder,
      `${ClientFolder.nameOf({ locator, startBlock: Math.max(...starts) })}.receipt.json`,
    );
    try {
      return Evidence.shape.receipt.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (cause) {
      throw new InputError(`${file} is no receipt`, { cause });
    }
  }
}
