import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readHeader } from '../../actors/auditor/archive/header.js';
import { decodeAudit } from '../../actors/auditor/saved-audit.js';
import { readConfig } from '../../actors/config.js';
import { parseRegister } from '../../actors/gateway/requests.js';
import { readKeyExport } from '../../actors/key-export.js';
import { existingTowerKey } from '../../actors/secrets.js';
import { concat, sha256, toHex, utf8 } from '../../events/bytes.js';
import { decodeCommit } from '../../events/commit.js';
import { readMissedBreach } from '../../events/proofs/missed-breach.js';
import { readInclusion, readTransaction } from '../../events/proofs/tx-inclusion.js';
import { parsePenalty } from '../../events/schemes/penalty.js';
import { schemes } from '../../events/schemes/schemes.js';
import { recoverSigner } from '../../events/signing/message.js';
import { decodeHead } from '../../events/tree-head.js';
import { ShardState } from '../../projections/shard-state.js';
import { restoreSnapshot } from '../../projections/snapshot/snapshot.js';
import { ofScan, ofTracker, ofUser, placed, scanned } from '../fixtures/commits.js';
import { exportedKeys } from '../fixtures/exported-keys.js';
import { accepted, breached, registered } from '../fixtures/histories.js';
import { storedEvents } from '../fixtures/stored-events.js';
import { headTower, storedHeads } from '../fixtures/stored-heads.js';
import { shardSubject, signed, snapshotOf } from '../support/snapshots.js';
import { tempDir } from '../support/temp-dir.js';
import { mutated, noise } from './bytes.js';
import { chanceOf, inProportion, oneOf } from './settings.js';

/** Files and messages that are almost what they should be: each is taken, or refused by the one error that says so. */

const ROUNDS = inProportion(1_000);
const LONGEST_MESSAGE = 2_000;

/** Has something read what is almost one of these; gives how often it was taken. */
function tryAll(
  place: number,
  good: readonly (string | Uint8Array)[],
  codes: readonly string[],
  read: (bytes: Buffer) => unknown,
) {
  const chance = chanceOf(place);
  let taken = 0;
  for (let n = 0; n < ROUNDS; n++) {
    const bytes = chance.oneIn(20) ? noise(chance, 300) : mutated(Buffer.from(oneOf(chance, good)), chance);
    try {
      read(bytes);
      taken++;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : error;
      assert.ok(error instanceof Error && codes.includes(String(code)), `${error} at ${bytes.toString('latin1')}`);
      assert.ok(error.message.length < LONGEST_MESSAGE && !error.message.includes('\n'), error.message);
    }
  }
  return taken;
}

const settings = `network = "regtest"
node = "one"
locator_cache_size = 6
[http]
listen = "127.0.0.1:9814"
max_connections = 7
[bitcoind]
url = "http://127.0.0.1:1"
poll_seconds = 2
[log]
serve = "0-3,7"
`;

const state = new ShardState();
for (const commit of placed(
  ofUser('a', registered()),
  ofUser('a', accepted('one')),
  ofTracker('one', breached()),
  ofScan(scanned(1000)),
))
  state.apply(commit);
const snapshot = snapshotOf(state);

const commits = Object.values(storedEvents)
  .flat()
  .map(
    (event) =>
      `{"id":"${'0'.repeat(32)}","aggregate":"chain","time":"2026-01-01T00:00:00.000Z","node":"one","events":[${event}]}`,
  );

/** What is wrong with an exported key, in a word. */
const EXPORT_CODES = ['foreign', 'truncated', 'damaged', 'newer', 'too-costly'];

describe('what is almost in order is taken or refused, and nothing else', () => {
  test('settings', (t) => {
    const file = join(tempDir(t), 'argus.toml');
    tryAll(20, [settings, '[__proto__]\nnetwork = "regtest"', `a = ${'['.repeat(5_000)}`], ['config'], (bytes) => {
      writeFileSync(file, bytes);
      return readConfig({ file, env: {}, flags: {} });
    });
    writeFileSync(file, '[__proto__]\nnetwork = "regtest"\n');
    assert.throws(() => readConfig({ file, env: {}, flags: {} }), /there is no setting __proto__/);
    assert.throws(() => readConfig({ file: '/dev/zero', env: {}, flags: {} }), /longer than 1048576 bytes/);
    writeFileSync(file, `"${'x\\n'.repeat(10_000)}" = 1\n`);
    assert.throws(
      () => readConfig({ file, env: {}, flags: {} }),
      (error: Error) => error.message.length < 500 && !error.message.includes('\n'),
    );
  });

  test('a key file', (t) => {
    const file = join(tempDir(t), 'tower.key');
    const texts = [`${'5a'.repeat(32)}\n`, `${'f'.repeat(64)}\n`, `${'0'.repeat(64)}\n`];
    tryAll(21, texts, ['secret-file', ...EXPORT_CODES], (bytes) => {
      writeFileSync(file, bytes, { mode: 0o600 });
      const kept = existingTowerKey(file);
      assert('secret' in kept && kept.secret.length === 32);
    });
  });

  test('an exported key', () => {
    tryAll(
      22,
      exportedKeys.map(({ text }) => text),
      EXPORT_CODES,
      (bytes) => readKeyExport(bytes.toString('utf8')),
    );
  });

  test('a snapshot, also one that the tower has signed', () => {
    assert.equal(
      tryAll(23, [snapshot], ['unfit-snapshot'], (bytes) => restoreSnapshot(bytes, shardSubject)),
      0,
    );
    const frame = snapshot.subarray(0, -97);
    tryAll(24, [frame], ['unfit-snapshot'], (bytes) =>
      restoreSnapshot(signed(concat(bytes, sha256(bytes))), shardSubject),
    );
  });

  test('a snapshot of the tower that counts what is not there', () => {
    const end = 16 + new DataView(snapshot.buffer, snapshot.byteOffset).getUint32(12, true);
    const header = JSON.parse(new TextDecoder().decode(snapshot.subarray(16, end)));
    for (const name of Object.keys(header.numbers))
      for (const wrong of [0, 1, 3, 2 ** 31, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
        const text = utf8(JSON.stringify({ ...header, numbers: { ...header.numbers, [name]: wrong } }));
        const length = Buffer.alloc(4);
        length.writeUInt32LE(text.length);
        const frame = concat(snapshot.subarray(0, 12), length, text, snapshot.subarray(end, -97));
        try {
          restoreSnapshot(signed(concat(frame, sha256(frame))), shardSubject);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'unfit-snapshot', `${name} ${wrong}: ${error}`);
        }
      }
  });

  test('a commit', () => {
    tryAll(25, commits, ['damaged-commit', 'unknown-event'], decodeCommit);
  });

  test('a tree head', () => {
    tryAll(26, storedHeads, ['damaged-head'], decodeHead);
  });

  test("an archive's header, and the state of an audit", () => {
    const header = `{"format":"argus archive","version":1,"towerId":"${headTower}","network":"regtest"}\n`;
    tryAll(27, [header], ['archive'], (bytes) => readHeader(bytes, 'a file'));
    const body = 'whatever';
    const saved = `argus audit state 2 ${toHex(sha256(utf8(body)))}\n${body}`;
    tryAll(28, [saved.slice(0, -1)], ['audit-state'], (bytes) => decodeAudit(bytes, headTower, 'regtest'));
  });

  test('a blob, a transaction, a proof, a signature: none of their readers throws', () => {
    const chance = chanceOf(29);
    const key = new Uint8Array(32);
    const whole = Buffer.from('02000000000101'.padEnd(500, '0'), 'hex');
    for (let n = 0; n < ROUNDS; n++) {
      const bytes = chance.oneIn(2) ? noise(chance, 400) : mutated(whole, chance);
      parsePenalty(bytes);
      readInclusion(bytes);
      readTransaction(bytes.toString('hex'));
      readTransaction(bytes.toString('latin1'));
      for (const scheme of Object.values(schemes)) scheme.open(bytes, key);
      recoverSigner(bytes, bytes.toString('latin1'));
      recoverSigner(
        bytes,
        mutated(
          Buffer.from(
            'd6pdzm3r7gc1qe14xwzage9y9ok18fqucdurotwsfr8ikt7za3xw1nys9u5s6eke4npk3q8brkb6gshimbwbnnrjjhx9sg1emr9hhi6i',
          ),
          chance,
        ).toString('latin1'),
      );
      readMissedBreach({ kind: 'argus missed breach', headers: bytes.toString('hex') });
    }
  });

  test('a public key: only a compressed one, of a point on the curve', () => {
    const x = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
    const isTaken = (key: string) => parseRegister({ user_id: key }, 'rust').ok;
    assert.ok(isTaken(`02${x}`) && isTaken(`03${x.toUpperCase()}`));
    const y = '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';
    const field = 'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f';
    for (const key of [
      ...[`04${x}${y}`, `06${x}${y}`, `07${x}${y}`, '00', `00${x}`, `04${x}`, `06${x}`],
      // No point is at these: 5 has none, and the field ends there.
      ...[`02${'5'.padStart(64, '0')}`, `02${field}`, `02${'f'.repeat(64)}`, `02${x.slice(1)}`, `02${x}0`, ` 02${x}`],
    ])
      assert.ok(!isTaken(key), key);
  });
});
