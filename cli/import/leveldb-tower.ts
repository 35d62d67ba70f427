import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { ClassicLevel } from 'classic-level';
import { BlockHash } from '../../events/ids.js';
import { parseJsonText } from '../../events/json.js';
import { privateKeyIn } from './der-key.js';
import { copyUnchanged, STOP_IT } from './old-files.js';
import { ImportError, type OldTower, type Row } from './old-tower.js';

/**
 * The folder of the python generation's tower (teos-protocol C7): the databases `appointments` and `users`, of text, and the
 * key `teos_sk.der`. An appointment with a breach stays among those that are watched, beside its tracker.
 */

const APPOINTMENT = 'w';
const TRACKER = 'r';
const LAST_BLOCKS = ['bw', 'br'];

/** Opens copies of the databases in a folder. Rejects with `ImportError` if there are none, or if a tower has them open. */
export async function openLevelTower(source: string, folder: string, keyFile?: string): Promise<OldTower<string>> {
  const { ClassicLevel: Level } = await import('classic-level'); // for this command alone
  const open: ClassicLevel[] = [];
  const copied = async (name: string) => {
    const [from, into, lock] = [join(source, name), join(folder, name), join(folder, `${name}.lock`)];
    checkDatabase(source, from);
    for (const made of [into, lock]) mkdirSync(made);
    if (holdLock(from, lock)) open.push(await opened(new Level(lock), from));
    const files = readdirSync(from).filter((file) => file !== 'LOCK');
    copyUnchanged(
      files.map((file) => join(from, file)),
      into,
    );
    const db = await opened(new Level(into, { createIfMissing: false }), from);
    open.push(db);
    return db;
  };
  const close = async () => {
    for (const db of open.toReversed()) await db.close();
  };
  try {
    const [appointments, users] = [await copied('appointments'), await copied('users')];
    return new LevelTower({ appointments, users, source, keyFile: keyFile ?? join(source, 'teos_sk.der'), close });
  } catch (error) {
    await close();
    throw error;
  }
}

function checkDatabase(source: string, folder: string): void {
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory())
    throw new ImportError(`there is no folder ${source}`);
  if (existsSync(join(folder, 'CURRENT'))) return;
  throw new ImportError(
    `${source} is no folder of a python tower: there is no LevelDB in ${folder}. It is ~/.teos, or ~/.teos/testnet and the like of another network`,
  );
}

/**
 * Has a database of ours, with nothing in it, take the very lock that the tower would: then it does not run, and is not
 * started while its files are read. False where the lock's file may not be opened, such as on a disk that is read only.
 */
function holdLock(from: string, ours: string): boolean {
  const lock = resolve(from, 'LOCK');
  try {
    accessSync(lock, constants.W_OK);
  } catch {
    return false;
  }
  symlinkSync(lock, join(ours, 'LOCK'));
  return true;
}

async function opened(db: ClassicLevel, from: string): Promise<ClassicLevel> {
  try {
    await db.open();
    return db;
  } catch (error) {
    const { cause = error } = error instanceof Error ? error : { cause: error };
    const isLocked = cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
    if (isLocked) throw new ImportError(`${from} is locked: the old tower still runs. ${STOP_IT}`, { cause });
    throw unreadable(from, cause);
  }
}

const unreadable = (from: string, cause: unknown): ImportError =>
  new ImportError(`${from} cannot be read as a LevelDB: ${cause instanceof Error ? cause.message : cause}`, { cause });

interface Parts {
  readonly appointments: ClassicLevel;
  readonly users: ClassicLevel;
  readonly source: string;
  readonly keyFile: string;
  readonly close: () => Promise<void>;
}

class LevelTower implements OldTower<string> {
  readonly from = 'teos-leveldb';
  readonly dialect = 'python';

  constructor(private readonly parts: Parts) {}

  async *users() {
    for await (const [key, text] of this.#entries(this.parts.users)) {
      const { available_slots: slots, subscription_expiry: expiry, appointments: booked } = fieldsOf(text);
      yield { name: key, ref: key, fields: { user_id: key, slots, expiry, booked } };
    }
  }

  async *appointments() {
    for await (const [key, text] of this.#entries(this.parts.appointments, APPOINTMENT)) yield appointmentOf(key, text);
  }

  async *trackers() {
    for await (const [key, text] of this.#entries(this.parts.appointments, TRACKER)) {
      const { dispute_txid, penalty_txid, penalty_rawtx: penalty_tx } = fieldsOf(text);
      const uuid = key.slice(TRACKER.length);
      yield { name: uuid, ref: key, fields: { uuid, dispute_txid, penalty_txid, penalty_tx } };
    }
  }

  async appointment(ref: string): Promise<Row<string>> {
    const text = await this.#guarded('appointments', () => this.parts.appointments.get(ref));
    if (text === undefined) throw new ImportError(`${ref} is gone from ${join(this.parts.source, 'appointments')}`);
    return appointmentOf(ref, text);
  }

  async lastBlocks(): Promise<readonly BlockHash[]> {
    const found = await this.#guarded('appointments', () => this.parts.appointments.getMany(LAST_BLOCKS));
    return found.flatMap((hash) => BlockHash.safeParse(hash).data ?? []);
  }

  async keys(): Promise<readonly Uint8Array[]> {
    const { keyFile } = this.parts;
    let der: Buffer;
    try {
      der = readFileSync(keyFile);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : cause;
      throw new ImportError(`the tower's key cannot be read: ${why} (--key-file says where it is)`, { cause });
    }
    try {
      return [privateKeyIn(der, keyFile)];
    } finally {
      der.fill(0);
    }
  }

  close(): Promise<void> {
    return this.parts.close();
  }

  async *#entries(db: ClassicLevel, prefix = ''): AsyncGenerator<[string, string]> {
    const name = db === this.parts.users ? 'users' : 'appointments';
    const entries = db.iterator(prefix === '' ? {} : { gte: prefix, lt: `${prefix}\uffff` });
    try {
      for (;;) {
        const some = await this.#guarded(name, () => entries.nextv(100));
        if (some.length === 0) return;
        yield* some;
      }
    } finally {
      await entries.close();
    }
  }

  async #guarded<T>(name: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      throw unreadable(join(this.parts.source, name), cause);
    }
  }
}

function appointmentOf(key: string, text: string): Row<string> {
  const { encrypted_blob: blob, locator, ...rest } = fieldsOf(text);
  const uuid = key.slice(APPOINTMENT.length);
  return { name: uuid, ref: key, fields: { uuid, ...rest, locator: lower(locator), blob: lower(blob) } };
}

/** The python tower took hex of either case, and did not find what was written in capitals. */
const lower = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value);

/** The fields of a JSON object; of what is none, none. */
function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parseJsonText(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
