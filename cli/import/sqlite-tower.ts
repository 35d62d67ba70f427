import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Transaction } from 'bitcoinjs-lib';
import type { Database, SQLiteValue, Statement } from 'node-sqlite3-wasm';
import { bytesOfHex, reversed, toHex } from '../../events/bytes.js';
import { BlockHash } from '../../events/ids.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { copyUnchanged, holderOf, STOP_IT } from './old-files.js';
import { ImportError, type OldTower, type Row } from './old-tower.js';

/**
 * The store of the rust generation's tower, `teos_db.sql3` (teos-protocol C7). What is in its log beside it (`-wal`, or
 * `-journal` of a tower that was killed) counts. Ids, blobs and transactions are bytes, txids and block hashes in internal order.
 */

/** The columns that are read, by table. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  users: ['user_id', 'available_slots', 'subscription_start', 'subscription_expiry'],
  appointments: ['UUID', 'locator', 'encrypted_blob', 'to_self_delay', 'user_signature', 'start_block', 'user_id'],
  trackers: ['UUID', 'dispute_tx', 'penalty_tx'],
  last_known_block: ['block_hash'],
  keys: ['id', 'key'],
};

const USERS =
  'SELECT rowid, user_id, available_slots, subscription_start, subscription_expiry FROM users ORDER BY rowid';
const APPOINTMENTS =
  'SELECT rowid, UUID, locator, encrypted_blob, to_self_delay, user_signature, start_block, user_id FROM appointments';
const TRACKERS = 'SELECT rowid, UUID, dispute_tx, penalty_tx FROM trackers ORDER BY rowid';

type Values = Readonly<Record<string, SQLiteValue>>;

/** Opens a copy of the file in a folder. Rejects with `ImportError` if it is none, or if a tower has it open. */
export async function openSqliteTower(file: string, folder: string): Promise<OldTower<number>> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) throw new ImportError(`there is no ${file}`);
  if (!found.isFile())
    throw new ImportError(`${file} is no file: the rust tower's is called teos_db.sql3, in the folder of its network`);
  const holder = holderOf(file);
  if (holder !== undefined) throw new ImportError(`${file} is open in ${holder}: the old tower still runs. ${STOP_IT}`);
  copyUnchanged([file, `${file}-wal`, `${file}-journal`], folder);
  const { default: sqlite } = await import('node-sqlite3-wasm'); // for this command alone
  const db = new sqlite.Database(join(folder, basename(file)), { fileMustExist: true });
  const tower = new SqliteTower(db, file);
  try {
    tower.check();
    return tower;
  } catch (error) {
    await tower.close();
    throw error;
  }
}

class SqliteTower implements OldTower<number> {
  readonly from = 'teos-sqlite';
  readonly dialect = 'rust';
  #one: Statement | undefined;

  constructor(
    private readonly db: Database,
    private readonly file: string,
  ) {}

  /** Throws `ImportError` if the file is no such store. */
  check(): void {
    this.#guarded(() => {
      // Its log is read without shared memory, which this build of SQLite has not.
      this.db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF');
      for (const [table, columns] of Object.entries(COLUMNS)) {
        const there = this.db.all(`SELECT name FROM pragma_table_info('${table}')`).map(({ name }) => name);
        if (there.length === 0) throw new ImportError(`${this.file} is no store of a rust tower: no table ${table}`);
        const missing = columns.find((column) => !there.includes(column));
        if (missing !== undefined)
          throw new ImportError(
            `${this.file} is of another version of the rust tower than 0.2: ${table} has no column ${missing}. Start the newest version of it once, which brings the file up to date`,
          );
      }
      const answer = Object.values(this.db.get('PRAGMA quick_check(1)') ?? {})[0];
      if (answer !== 'ok') throw new ImportError(`${this.file} is damaged: ${answer}`);
    });
  }

  async *users() {
    yield* this.#rows(USERS, (row) => ({
      name: String(hex(row.user_id)),
      fields: {
        user_id: hex(row.user_id),
        slots: row.available_slots,
        start: row.subscription_start,
        expiry: row.subscription_expiry,
      },
    }));
  }

  async *appointments() {
    yield* this.#rows(`${APPOINTMENTS} ORDER BY rowid`, appointmentOf);
  }

  async *trackers() {
    yield* this.#rows(TRACKERS, (row) => ({
      name: String(hex(row.UUID)),
      fields: {
        uuid: hex(row.UUID),
        dispute_txid: txidOf(row.dispute_tx),
        penalty_txid: txidOf(row.penalty_tx),
        penalty_tx: hex(row.penalty_tx),
      },
    }));
  }

  async appointment(ref: number): Promise<Row<number>> {
    return this.#guarded(() => {
      this.#one ??= this.db.prepare(`${APPOINTMENTS} WHERE rowid = ?`);
      const row = this.#one.get(ref) as Values | null;
      if (!row) throw new ImportError(`appointment ${ref} is gone from ${this.file}`);
      return { ref, ...appointmentOf(row) };
    });
  }

  async lastBlocks(): Promise<readonly BlockHash[]> {
    const rows = this.#guarded(() => this.db.all('SELECT block_hash FROM last_known_block ORDER BY rowid')) as Values[];
    return rows.flatMap(({ block_hash: hash }) =>
      hash instanceof Uint8Array ? (BlockHash.safeParse(toHex(reversed(hash))).data ?? []) : [],
    );
  }

  async keys(): Promise<readonly Uint8Array[]> {
    const rows = this.#guarded(() => this.db.all('SELECT key FROM keys ORDER BY id DESC')) as Values[];
    const keys = rows.map(({ key }) => (typeof key === 'string' ? (bytesOfHex(key) ?? NO_KEY) : NO_KEY));
    if (keys[0] && secp256k1.isValidSecretKey(keys[0])) return keys.filter((key) => secp256k1.isValidSecretKey(key));
    throw new ImportError(`${this.file} has no key of the tower that could be used (table keys)`);
  }

  async close(): Promise<void> {
    this.#one?.finalize();
    this.db.close();
  }

  *#rows(sql: string, read: (row: Values) => Omit<Row<number>, 'ref'>): Generator<Row<number>> {
    const statement = this.#guarded(() => this.db.prepare(sql));
    try {
      const rows = this.#guarded(() => statement.iterate()) as Iterator<Values>;
      for (let next = this.#guarded(() => rows.next()); !next.done; next = this.#guarded(() => rows.next()))
        yield { ref: Number(next.value.rowid), ...read(next.value) };
    } finally {
      statement.finalize();
    }
  }

  #guarded<T>(act: () => T): T {
    try {
      return act();
    } catch (cause) {
      if (cause instanceof ImportError) throw cause;
      const what = cause instanceof Error ? cause.message : String(cause);
      const hint = existsSync(`${this.file}-wal`) ? ', with the log beside it' : '';
      throw new ImportError(`${this.file}${hint} cannot be read as an SQLite database: ${what}`, { cause });
    }
  }
}

const NO_KEY = new Uint8Array();

const appointmentOf = (row: Values) => ({
  name: String(hex(row.UUID)),
  fields: {
    uuid: hex(row.UUID),
    user_id: hex(row.user_id),
    locator: hex(row.locator),
    blob: hex(row.encrypted_blob),
    to_self_delay: row.to_self_delay,
    user_signature: row.user_signature,
    start_block: row.start_block,
  },
});

/** Bytes as text; whatever else there is, as it is. */
const hex = (value: SQLiteValue | undefined): unknown => (value instanceof Uint8Array ? toHex(value) : value);

function txidOf(bytes: SQLiteValue | undefined): string | undefined {
  try {
    return bytes instanceof Uint8Array ? Transaction.fromBuffer(bytes).getId() : undefined;
  } catch {
    return undefined;
  }
}
