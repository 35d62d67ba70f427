import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import sqlite from 'node-sqlite3-wasm';
import { readConfig } from '../../../actors/config.js';
import { packageRoot } from '../../../actors/package-root.js';
import { newTowerSecret } from '../../../actors/secrets.js';
import { runImport } from '../../../cli/import/import-run.js';
import { openLevelTower } from '../../../cli/import/leveldb-tower.js';
import { ImportError, type OldTower } from '../../../cli/import/old-tower.js';
import { openSqliteTower } from '../../../cli/import/sqlite-tower.js';
import { toHex } from '../../../events/bytes.js';
import type { BlockHash } from '../../../events/ids.js';
import { txid } from '../../fixtures/ids.js';
import { argus } from '../../support/argus.js';
import { HttpUser } from '../../support/http-user.js';
import { derOf, type OldContent, writeLevel, writeSqlite } from '../../support/old-towers.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';

/** The old towers' files: which are read, how they are left, and what is said of those that are none. */

const user = new HttpUser(() => undefined, 'rust');
const appointment = user.appointment(txid('a dispute'), new Uint8Array(100));
const content = (): OldContent => ({
  secrets: [newTowerSecret()],
  users: [{ user, slots: 5, start: 10, expiry: 900, held: [{ appointment, startBlock: 20 }] }],
  lastBlock: txid('a block') as string as BlockHash,
});

/** Every file in a folder with its bytes, size and time. */
const stateOf = (folder: string): unknown[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const file = join(folder, name);
      const found = statSync(file);
      return [name, found.size, found.mtimeMs, found.isFile() && toHex(readFileSync(file))];
    });

async function all(tower: OldTower): Promise<unknown> {
  const rows = async (of: AsyncIterable<{ fields: unknown }>) => {
    const found = [];
    for await (const { fields } of of) found.push(fields);
    return found;
  };
  const found = [await rows(tower.users()), await rows(tower.appointments()), await rows(tower.trackers())];
  const result = { found, blocks: await tower.lastBlocks(), keys: (await tower.keys()).map(toHex) };
  await tower.close();
  return result;
}

const run = (t: Cleanup, ...args: string[]) =>
  argus([
    'import',
    ...args,
    '--network=regtest',
    `--data=${join(tempDir(t), 'data')}`,
    '--bitcoind=http://127.0.0.1:9',
  ]);

describe('the files of an old tower', () => {
  test('of the rust generation are the same with all in the log beside them, and are left as they are', async (t) => {
    const old = { ...content(), secrets: [newTowerSecret(), newTowerSecret()] };
    const [clean, killed] = [tempDir(t), tempDir(t)];
    const files = [writeSqlite(clean, old), writeSqlite(killed, old, { killed: true })];
    const [before, wal] = [stateOf(killed), statSync(`${files[1]}-wal`).size];
    assert.ok(wal > 10_000);
    const [one, other] = await Promise.all(files.map(async (file) => all(await openSqliteTower(file, tempDir(t)))));
    assert.deepEqual(one, other);
    assert.deepEqual(stateOf(killed), before);
    const { blocks, keys } = one as { blocks: unknown; keys: unknown };
    assert.deepEqual([blocks, keys], [[old.lastBlock], old.secrets.toReversed().map(toHex)]);
  });

  test('of the python generation are left as they are', async (t) => {
    const folder = await writeLevel(join(tempDir(t), 'teos'), content());
    assert.ok(readdirSync(join(folder, 'appointments')).some((name) => name.endsWith('.ldb')));
    const before = stateOf(folder);
    const { found } = (await all(await openLevelTower(folder, tempDir(t)))) as { found: unknown[][] };
    assert.deepEqual(
      found.map(({ length }) => length),
      [1, 1, 0],
    );
    assert.deepEqual(stateOf(folder), before);
  });

  test('may have the key in either form of DER', async (t) => {
    const old = content();
    const folder = await writeLevel(join(tempDir(t), 'teos'), old);
    const file = join(tempDir(t), 'key');
    writeFileSync(file, derOf(old.secrets[0] ?? new Uint8Array(), 'sec1'));
    const tower = await openLevelTower(folder, tempDir(t), file);
    assert.deepEqual((await tower.keys()).map(toHex), old.secrets.map(toHex));
    await tower.close();
  });

  test('are not read while a python tower has them locked', async (t) => {
    const folder = await writeLevel(join(tempDir(t), 'teos'), content());
    const script = `const { ClassicLevel } = await import('classic-level');
      await new ClassicLevel(${JSON.stringify(join(folder, 'users'))}).open(); console.log('open'); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: packageRoot });
    t.after(() => holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    const said = await run(t, 'teos-leveldb', folder, '--dry-run');
    assert.equal(said.status, 1);
    assert.match(said.stderr, /users is locked: the old tower still runs\. Stop the old tower/);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const tower = await openLevelTower(folder, tempDir(t));
    await tower.close();
  });

  test('are not read while somebody has the rust tower’s open', { skip: !existsSync('/proc/self/fd') }, async (t) => {
    const file = writeSqlite(tempDir(t), content());
    const fd = openSync(file, 'r');
    try {
      const said = await run(t, 'teos-sqlite', file, '--dry-run');
      assert.match(said.stderr, /teos_db\.sql3 is open in \S+ \(\d+\): the old tower still runs/);
    } finally {
      closeSync(fd);
    }
  });
});

describe('argus import says what is wrong', () => {
  const bare = (t: Cleanup, sql: string) => {
    const file = join(tempDir(t), 'teos_db.sql3');
    const db = new sqlite.Database(file);
    db.exec(sql);
    db.close();
    return file;
  };
  const written = (t: Cleanup, name: string, text: string) => {
    const file = join(tempDir(t), name);
    writeFileSync(file, text);
    return file;
  };
  const level = async (t: Cleanup) => writeLevel(join(tempDir(t), 'teos'), content());
  const cases: Readonly<Record<string, readonly [(t: Cleanup) => string[] | Promise<string[]>, RegExp]>> = {
    'no file': [() => ['teos-sqlite', '/nowhere/teos_db.sql3'], /there is no \/nowhere\/teos_db\.sql3/],
    'a folder for a file': [(t) => ['teos-sqlite', tempDir(t)], /is no file: the rust tower's is called teos_db\.sql3/],
    'text for a database': [
      (t) => ['teos-sqlite', written(t, 'x', 'no database at all, but text of some length')],
      /cannot be read as an SQLite database: file is not a database/,
    ],
    'an empty file': [(t) => ['teos-sqlite', written(t, 'x', '')], /is no store of a rust tower: no table users/],
    'another database': [(t) => ['teos-sqlite', bare(t, 'CREATE TABLE birds (name TEXT)')], /no table users/],
    'an older rust tower': [
      (t) => [
        'teos-sqlite',
        bare(t, 'CREATE TABLE users (user_id INT PRIMARY KEY, available_slots INT, subscription_expiry INT)'),
      ],
      /users has no column subscription_start\. Start the newest version/,
    ],
    'no key': [
      (t) => ['teos-sqlite', writeSqlite(tempDir(t), { ...content(), secrets: [] })],
      /has no key of the tower/,
    ],
    'a file that is cut off': [
      (t) => {
        const file = writeSqlite(tempDir(t), content());
        writeFileSync(file, readFileSync(file).subarray(0, 20_000));
        return ['teos-sqlite', file];
      },
      /is damaged|cannot be read as an SQLite/,
    ],
    'no folder': [() => ['teos-leveldb', '/nowhere'], /there is no folder \/nowhere/],
    'another folder': [(t) => ['teos-leveldb', tempDir(t)], /is no folder of a python tower: there is no LevelDB in/],
    'a LevelDB that has lost a part': [
      async (t) => {
        const folder = await level(t);
        for (const name of readdirSync(join(folder, 'appointments')))
          if (name.startsWith('MANIFEST')) rmSync(join(folder, 'appointments', name));
        return ['teos-leveldb', folder];
      },
      /appointments cannot be read as a LevelDB/,
    ],
    'no key file': [
      async (t) => {
        const folder = await level(t);
        rmSync(join(folder, 'teos_sk.der'));
        return ['teos-leveldb', folder];
      },
      /the tower's key cannot be read: ENOENT.*--key-file says where/,
    ],
    'a key file of another kind': [
      async (t) => ['teos-leveldb', await level(t), '--key-file', written(t, 'key', 'abc')],
      /key is no private key of the curve secp256k1, in DER/,
    ],
    'a tower of another network': [
      (t) => ['teos-sqlite', join(tempDir(t), 'main', 'teos_db.sql3')],
      /is that of a tower on mainnet, and the new one is to be on regtest: --network mainnet/,
    ],
    'a bitcoind that is away': [
      (t) => ['teos-sqlite', writeSqlite(tempDir(t), content())],
      /bitcoind, which says where the old tower was, cannot be asked/,
    ],
  };
  for (const [name, [args, expected]] of Object.entries(cases))
    test(`of ${name}`, async (t) => {
      const [kind, path = '', , keyFile] = await args(t);
      const flags = { network: 'regtest', data: join(tempDir(t), 'data'), 'bitcoind.url': 'http://127.0.0.1:9' };
      const source = { kind: kind as 'teos-sqlite', path, keyFile };
      const options = { dryRun: true, yes: false, json: false, leaveBehind: false, encrypt: false };
      const done = runImport(readConfig({ env: {}, flags }), { source, ...options });
      await assert.rejects(done, (error) => error instanceof ImportError && expected.test(error.message));
      assert.ok(!existsSync(flags.data));
    });

  test('of a folder with the key of another tower', async (t) => {
    const data = tempDir(t);
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'tower.key'), toHex(newTowerSecret()), { mode: 0o600 });
    const file = writeSqlite(tempDir(t), content());
    const said = await argus(['import', 'teos-sqlite', file, '--dry-run', '--network=regtest', `--data=${data}`]);
    assert.match(said.stderr, /tower\.key is the key of tower 0\w+, and the old tower is 0\w+: give another --data/);
  });

  test('of a line that it does not understand', async (t) => {
    const asked = await run(t, 'teos-sqlite', '/nowhere');
    assert.deepEqual([asked.status, asked.stderr], [2, 'argus: there is no terminal to ask at: --yes or --dry-run\n']);
    const mistyped = await argus(['import', 'teos-sqlit', 'x']);
    assert.equal(mistyped.status, 2);
    assert.match(mistyped.stderr, /Did you mean teos-sqlite/);
  });
});
