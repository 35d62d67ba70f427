import { createECDH, createPrivateKey } from 'node:crypto';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import sqlite from 'node-sqlite3-wasm';
import type { Breach } from '../../cli/demo/channel.js';
import { fromHex, reversed, toHex } from '../../events/bytes.js';
import type { BlockHash } from '../../events/ids.js';
import { type Appointment, appointmentId, slotsFor } from '../../events/signing/appointment.js';
import type { HttpUser } from './http-user.js';

/** The stores of the towers that exist, written as those write them (teos-protocol C7), with a tower's whole content. */

export interface OldUser {
  readonly user: HttpUser;
  /** What it has left. */
  readonly slots: number;
  readonly start: number;
  readonly expiry: number;
  readonly held: readonly OldAppointment[];
}

export interface OldAppointment {
  readonly appointment: Appointment;
  readonly startBlock: number;
  /** Where it is being answered. */
  readonly breach?: Breach;
}

export interface OldContent {
  /** The tower's secret keys, the one in force last. */
  readonly secrets: readonly Uint8Array[];
  readonly users: readonly OldUser[];
  readonly lastBlock: BlockHash;
}

const TABLES = [
  `CREATE TABLE IF NOT EXISTS users (
    user_id INT PRIMARY KEY, available_slots INT NOT NULL, subscription_start INT NOT NULL, subscription_expiry INT NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS appointments (
    UUID INT PRIMARY KEY, locator INT NOT NULL, encrypted_blob BLOB NOT NULL, to_self_delay INT NOT NULL,
    user_signature BLOB NOT NULL, start_block INT NOT NULL, user_id INT NOT NULL,
    FOREIGN KEY(user_id) REFERENCES users(user_id) ON DELETE CASCADE
  )`,
  `CREATE TABLE IF NOT EXISTS trackers (
    UUID INT PRIMARY KEY, dispute_tx BLOB NOT NULL, penalty_tx BLOB NOT NULL, height INT NOT NULL, confirmed BOOL NOT NULL,
    FOREIGN KEY(UUID) REFERENCES appointments(UUID) ON DELETE CASCADE
  )`,
  'CREATE TABLE IF NOT EXISTS last_known_block (id INT PRIMARY KEY, block_hash INT NOT NULL)',
  'CREATE TABLE IF NOT EXISTS keys (id INTEGER PRIMARY KEY AUTOINCREMENT, key INT NOT NULL)',
];

export type Sqlite = InstanceType<typeof sqlite.Database>;

/**
 * `teos_db.sql3` in a folder; gives its path. `spoil`: what is done to it besides. As a tower leaves it that was killed, if
 * `killed`: with all of it in the log beside it.
 */
export function writeSqlite(
  folder: string,
  content: OldContent,
  { spoil = () => {}, killed = false }: { readonly spoil?: (db: Sqlite) => void; readonly killed?: boolean } = {},
): string {
  mkdirSync(join(folder, 'made'), { recursive: true });
  const [made, file] = [join(folder, 'made', 'teos_db.sql3'), join(folder, 'teos_db.sql3')];
  const db = new sqlite.Database(made);
  db.exec('PRAGMA locking_mode=EXCLUSIVE');
  if (killed) db.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0');
  for (const table of TABLES) db.exec(table);
  db.exec('BEGIN');
  for (const secret of content.secrets) db.run('INSERT INTO keys (key) VALUES (?)', [toHex(secret)]);
  db.run('INSERT INTO last_known_block VALUES (0, ?)', [reversed(fromHex(content.lastBlock))]);
  for (const { user, slots, start, expiry, held } of content.users) {
    const id = fromHex(user.userId);
    db.run('INSERT INTO users VALUES (?, ?, ?, ?)', [id, slots, start, expiry]);
    for (const { appointment, startBlock, breach } of held) {
      const { locator, encryptedBlob, toSelfDelay } = appointment;
      const uuid = fromHex(appointmentId(locator, user.userId));
      const signature = user.sign(appointment);
      const row = [uuid, fromHex(locator), encryptedBlob, toSelfDelay, signature, startBlock, id];
      db.run('INSERT INTO appointments VALUES (?, ?, ?, ?, ?, ?, ?)', row);
      if (!breach) continue;
      const txs = [fromHex(breach.disputeTx), fromHex(breach.penaltyTx)];
      db.run('INSERT INTO trackers VALUES (?, ?, ?, ?, ?)', [uuid, ...txs, startBlock, false]);
    }
  }
  db.exec('COMMIT');
  spoil(db);
  copyFileSync(made, file);
  if (killed) copyFileSync(`${made}-wal`, `${file}-wal`);
  db.close();
  return file;
}

/** The folder of a python tower; `spoil`: what is done to its databases besides. */
export async function writeLevel(
  folder: string,
  content: OldContent,
  spoil: (appointments: ClassicLevel, users: ClassicLevel) => Promise<void> = async () => {},
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const appointments = new ClassicLevel(join(folder, 'appointments'));
  const users = new ClassicLevel(join(folder, 'users'));
  for (const { user, slots, expiry, held } of content.users) {
    const booked: Record<string, number> = {};
    for (const { appointment, startBlock, breach } of held) {
      const { locator, encryptedBlob, toSelfDelay } = appointment;
      const uuid = appointmentId(locator, user.userId);
      booked[uuid] = slotsFor(encryptedBlob.length);
      const summary = { locator, user_id: user.userId };
      const encrypted_blob = toHex(encryptedBlob);
      const rest = { user_signature: user.sign(appointment), start_block: startBlock };
      const whole = { ...summary, encrypted_blob, to_self_delay: toSelfDelay, ...rest };
      await appointments.put(`w${uuid}`, JSON.stringify(whole));
      await appointments.put(`m${locator}`, JSON.stringify([uuid]));
      if (!breach) continue;
      const { disputeTxid: dispute_txid, penaltyTxid: penalty_txid, penaltyTx: penalty_rawtx } = breach;
      await appointments.put(`r${uuid}`, JSON.stringify({ ...summary, dispute_txid, penalty_txid, penalty_rawtx }));
      await appointments.put(`ta${uuid}`, '');
    }
    const info = { available_slots: slots, subscription_expiry: expiry, appointments: booked };
    await users.put(user.userId, JSON.stringify(info));
  }
  for (const last of ['bw', 'br']) await appointments.put(last, content.lastBlock);
  await spoil(appointments, users);
  // Into tables, which are compressed; what is written last stays in the log.
  await appointments.compactRange('', '~');
  await appointments.close();
  await users.close();
  const secret = content.secrets.at(-1) ?? new Uint8Array();
  writeFileSync(join(folder, 'teos_sk.der'), derOf(secret));
  return folder;
}

/** PKCS #8 in DER, as the library that the python tower signs with writes a key. */
export function derOf(secret: Uint8Array, type: 'pkcs8' | 'sec1' = 'pkcs8'): Uint8Array {
  const ecdh = createECDH('secp256k1');
  ecdh.setPrivateKey(secret);
  const [, ...point] = ecdh.getPublicKey();
  const part = (from: number) => Buffer.from(point.slice(from, from + 32)).toString('base64url');
  const jwk = { kty: 'EC', crv: 'secp256k1', d: Buffer.from(secret).toString('base64url'), x: part(0), y: part(32) };
  return createPrivateKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type });
}
