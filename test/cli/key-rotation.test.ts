import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../actors/package-root.js';
import { existingTowerKey, towerKey, towerOf } from '../../actors/secrets.js';
import { chainAggregate } from '../../events/aggregate.js';
import { identitiesOf, isSigned, type Succession } from '../../events/identity.js';
import type { Shard } from '../../events/ids.js';
import { connectLog } from '../../events/log/connection.js';
import { ensureStreams } from '../../events/log/ensure-streams.js';
import { EventLog } from '../../events/log/log.js';
import { argus } from '../support/argus.js';
import { startTestNats } from '../support/nats.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { verified } from '../support/verified.js';

const PRELOAD = pathToFileURL(join(packageRoot, 'dist', 'test', 'support', 'kill-at-step.js')).href;

/** A tower's log that holds nothing yet, and the folder of a node with its key. */
async function startTower(t: Cleanup) {
  const nats = await startTestNats(t);
  const node = newNode(t, nats.nodeSeed);
  const nc = await connectLog({ servers: nats.url, seed: nats.nodeSeed, name: 'test' });
  t.after(() => nc.close());
  const { towerId } = towerKey(join(node.data, 'tower.key'));
  await ensureStreams(nc, { network: 'regtest', towerId });
  const log = await EventLog.open(nc);
  const way = ['--network=regtest', `--nats=${nats.url}`];
  return {
    nats,
    towerId,
    ...node,
    rotate: (folder: string, options = {}, ...more: string[]) =>
      argus(['key', 'rotate', '--yes', ...way, `--data=${folder}`, ...more], options),
    /** What the log says, in order. */
    async successions(): Promise<Succession[]> {
      const commits = await log.load(chainAggregate, 0 as Shard);
      return commits.flatMap(({ events }) => events.filter((event) => event.type === 'IdentityRotated'));
    },
  };
}

/** The folder of another node, with the keys to NATS and no other. */
function newNode(t: Cleanup, seed: string) {
  const data = join(tempDir(t), 'data');
  mkdirSync(join(data, 'nats'), { recursive: true });
  writeFileSync(join(data, 'nats', 'node.nkey'), seed, { mode: 0o600 });
  return { data, identities: join(data, 'identities') };
}

const PASSPHRASE = 'a long passphrase';
const byEnvironment = { env: { ARGUS_PASSPHRASE: PASSPHRASE } };

/** Has another node given the key of a later identity, as its operator does it. */
async function bring(t: Cleanup, id: string, from: string, to: string, flags: string[] = []): Promise<void> {
  const file = join(tempDir(t), 'key.json');
  const done = [
    await argus(['key', 'export', file, ...(id ? ['--id', id] : []), `--data=${from}`], byEnvironment),
    await argus(['key', 'import', file, ...flags, `--data=${to}`], byEnvironment),
  ];
  assert.deepEqual(
    done.map(({ status, stderr }) => [status, stderr]),
    [
      [0, ''],
      [0, ''],
    ],
  );
}

describe('argus key rotate', () => {
  test('killed at any of its steps, is finished by the next attempt, and begins no second identity', async (t) => {
    const { nats, data, identities, towerId, rotate, successions } = await startTower(t);
    let known = 0;
    for (let at = 1; ; at++) {
      const env = { NODE_OPTIONS: `--import=${PRELOAD}`, TEST_KILL_AT: String(at) };
      const killed = await rotate(data, { env });
      if (killed.status === 0) {
        assert.ok(at > 12, `${at} steps`);
        break;
      }
      assert.deepEqual([killed.status, killed.stderr], [null, ''], `step ${at}`);
      const between = await successions();
      assert.ok(between.length <= known + 1, `step ${at}`);
      const again = await rotate(data);
      assert.deepEqual([again.status, again.stderr], [0, ''], `step ${at}`);
      assert.equal(again.stdout.includes('This was begun earlier'), between.length > known, `step ${at}`);
      const now = await successions();
      assert.equal(now.length, ++known, `one more after step ${at}`);
      const last = now.at(-1);
      assert.ok(again.stdout.startsWith(`Tower ${last?.from} goes on as ${last?.to} for`), again.stdout);
      // All keys, and nothing beside them: no draft of a key, no other key, no attempt.
      assert.deepEqual(readdirSync(identities).sort(), now.map(({ to }) => `${to}.key`).sort(), `after step ${at}`);
    }
    const all = await successions();
    assert.ok(all.every(isSigned));
    assert.equal(new Set(all.map(({ from }) => from)).size, all.length);
    assert.equal(identitiesOf(towerId, all).length, all.length + 1);
    for (const { to } of all) assert.equal(towerOf(existingTowerKey(join(identities, `${to}.key`))), to);
    assert.deepEqual((await verified(nats, towerId)).findings, []);
  });

  test('is refused to a node without the key in force, which is told how to get it', async (t) => {
    const { data, nats, towerId, rotate, successions } = await startTower(t);
    const other = newNode(t, nats.nodeSeed);
    const none = await rotate(other.data);
    assert.deepEqual([none.status, none.stdout], [1, '']);
    assert.match(none.stderr, /^argus: there is no .*tower\.key: /);
    assert.deepEqual(readdirSync(other.data), ['nats'], 'it makes none');
    await bring(t, '', data, other.data);
    assert.equal((await rotate(data)).status, 0);
    const [first] = await successions();
    assert(first);
    const without = await rotate(other.data);
    assert.deepEqual([without.status, without.stdout], [1, '']);
    assert.match(without.stderr, new RegExp(`key export --id ${first.to} .*key import --later`));
    await bring(t, first.to, data, other.data, ['--later']);
    assert.equal((await rotate(other.data)).status, 0);
    const known = identitiesOf(towerId, await successions());
    assert.deepEqual([known.length, known[1]], [3, first.to]);
  });

  test('is refused with the key of another tower, whose log it is not', async (t) => {
    const { nats, towerId, rotate, successions } = await startTower(t);
    const other = newNode(t, nats.nodeSeed);
    const foreign = towerKey(join(other.data, 'tower.key')).towerId;
    const refused = await rotate(other.data);
    assert.deepEqual(
      [refused.status, refused.stdout, refused.stderr],
      [1, '', `argus: the log is that of tower ${towerId}, and this node's key is that of ${foreign}\n`],
    );
    assert.deepEqual(await successions(), []);
    assert.deepEqual(readdirSync(other.data).sort(), ['nats', 'tower.key']);
  });

  test('of two nodes at once gives each place one identity', async (t) => {
    const { data, nats, towerId, rotate, successions } = await startTower(t);
    const other = newNode(t, nats.nodeSeed);
    await bring(t, '', data, other.data);
    const both = await Promise.all([rotate(data), rotate(other.data)]);
    const all = await successions();
    assert.equal(all.length, 1, JSON.stringify(both));
    assert.deepEqual(both.map(({ status }) => status).sort(), [0, 1]);
    assert.match(both.map(({ stderr }) => stderr).join(''), new RegExp(all[0]?.to ?? ''));
    assert.deepEqual((await verified(nats, towerId)).findings, []);
  });

  test('keeps the new key encrypted where the first is, under the same passphrase', async (t) => {
    const { data, identities, rotate, successions } = await startTower(t);
    const file = join(tempDir(t), 'passphrase');
    writeFileSync(file, `${PASSPHRASE}\n`, { mode: 0o600 });
    const by = `--key-passphrase-file=${file}`;
    assert.equal((await argus(['key', 'encrypt', `--data=${data}`, `--new-passphrase-file=${file}`])).status, 0);
    assert.equal((await rotate(data)).status, 1);
    assert.deepEqual(await successions(), []);
    for (let place = 0; place < 2; place++) assert.equal((await rotate(data, {}, by)).status, 0);
    for (const { to } of await successions()) {
      const kept = existingTowerKey(join(identities, `${to}.key`));
      assert.ok('sealed' in kept && kept.sealed.towerId === to);
      (await kept.sealed.open(PASSPHRASE)).fill(0);
    }
    assert.equal((await successions()).length, 2);
  });
});
