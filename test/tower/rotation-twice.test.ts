import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { overNats } from '../../actors/client/nats-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { identitiesOf } from '../../events/identity.js';
import type { Shard, TowerId } from '../../events/ids.js';
import { HeadStore } from '../../events/log/heads.js';
import { EventLog } from '../../events/log/log.js';
import { signerIs } from '../../events/signing/message.js';
import { headMessage } from '../../events/tree-head.js';
import { stateDigest } from '../../projections/state-digest.js';
import { txid } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { keysReadFrom } from '../support/key-ring.js';
import { tempDir } from '../support/temp-dir.js';
import { isInMempool, secretKey, startTestTower, untilLevel } from '../support/tower.js';
import { stopForGood, trimmingOf, untilSigned } from '../support/trim-command.js';
import { until } from '../support/until.js';

const PASSPHRASE = { env: { ARGUS_PASSPHRASE: 'a long passphrase' } };

test('two rotations: users of three identities are served by their own, on nodes that have the keys, and behind a trim', async (t) => {
  const data = join(tempDir(t), 'data');
  const key = keysReadFrom(data);
  const settings = { data, 'subscription.duration': '500', 'snapshots.every': '0' };
  const tower = await startTestTower(t, { key, settings });
  const { folder, owner, auditor, archive, trim } = trimmingOf(t, tower);
  const log = await EventLog.open(await tower.nats.connect('node'));
  const heads = new HeadStore(log);
  const courier = overNats(await tower.nats.connect('public'));
  const clientOf = (towerId: TowerId) => new TowerClient(courier, { towerId, secretKey: secretKey() });
  const identities = () => identitiesOf(key.towerId, tower.node.chain.state.successions);
  const ok = async (...args: string[]) => {
    const said = await argus(args, PASSPHRASE);
    assert.deepEqual([said.status, said.stderr], [0, ''], args.join(' '));
    return said.stdout;
  };
  const channels = await openChannels(tower.chain, 3);
  await untilLevel(() => tower.node, tower.chain);

  /** A user of the identity in force, with an appointment, and a block whose head that identity signs. */
  const settle = async (place: number) => {
    const id = identities()[place];
    const channel = channels[place];
    assert(id && channel);
    const client = clientOf(id);
    await client.register();
    const breach = buildBreach(channel);
    const receipt = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
    await tower.chain.mine(1);
    await untilSigned(tower);
    const last = await heads.last(0 as Shard);
    assert(last && signerIs(headMessage(last.head), last.head.signature, id), `a head by ${place}`);
    return { id, client, breach, receipt };
  };
  const restart = async (from = data) => {
    key.read(from);
    await tower.restartNode();
    await untilLevel(() => tower.node, tower.chain);
  };
  const rotate = async () => {
    const known = identities().length;
    await ok('key', 'rotate', '--yes', ...owner);
    await until('the node knows', () => identities().length > known);
  };

  const first = await settle(0);
  await rotate();
  await restart();
  const second = await settle(1);
  await rotate();

  await t.test('a node without the newest key says how to get it', async () => {
    const said = tower.said.filter(({ msg }) => msg.startsWith("this node has no key of the tower's identity"));
    assert.deepEqual(
      said.map(({ identity }) => identity),
      [identities()[1], identities()[2]],
      'each is told once',
    );
    for (const { msg } of said) assert.match(msg, /argus key export --id .*argus key import --later/);
    await assert.rejects(clientOf(identities()[2] as TowerId).register(), { reason: 'unavailable' });
  });

  await restart();
  const third = await settle(2);
  const users = [first, second, third];
  /** Each is given receipts by its own identity, which its client checks. */
  const allServed = async (about: string) => {
    for (const { client } of users) {
      await client.register();
      await client.addAppointment(makeAppointment('rust', txid(about), new Uint8Array(90), 144));
      assert.ok((await client.getSubscriptionInfo()).locators.length >= 2);
    }
  };

  await t.test('each gets receipts by the identity that it registered with', async () => {
    await allServed('each');
    for (const { client, receipt, breach } of users) {
      const again = await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
      assert.equal(again.signature, receipt.signature);
    }
  });

  await t.test('keys are brought to another node one by one, and what is still missing is told', async () => {
    const other = join(tempDir(t), 'other');
    const file = join(tempDir(t), 'key.json');
    const bring = async (id: TowerId | undefined, ...flags: string[]) => {
      await ok('key', 'export', file, '--force', ...(id ? ['--id', id] : []), `--data=${data}`);
      await ok('key', 'import', file, ...flags, `--data=${other}`);
    };
    await bring(undefined);
    await bring(third.id, '--later');
    await restart(other);
    await third.client.register();
    await first.client.register();
    await assert.rejects(second.client.register(), { code: 'tower-refused', reason: 'unavailable' });
    const [told, ...more] = tower.said.filter(({ msg }) => msg.startsWith('this node has no key of an older identity'));
    assert.deepEqual([told?.identity, more], [second.id, []]);
    assert.equal(((await tower.node.info()) as { identity_key_missing?: true }).identity_key_missing, true);
    await bring(second.id, '--later');
    assert.match(
      await ok('key', 'show', '--json', `--data=${other}`),
      new RegExp(`${second.id}.*${third.id}|${third.id}.*${second.id}`),
    );
    await restart(other);
    assert.equal(((await tower.node.info()) as { identity_key_missing?: true }).identity_key_missing, undefined);
    await allServed('other');
    await restart();
  });

  await t.test('the log is verified, archived and trimmed; then verified and replayed again', async () => {
    for (let version = 0; version < 6; version++)
      for (const { client } of users)
        await client.addAppointment(makeAppointment('rust', txid('often'), new Uint8Array(100 + version), 144));
    for (let block = 0; block < 19; block++) {
      await tower.chain.mine(1);
      await untilLevel(() => tower.node, tower.chain);
    }
    await untilSigned(tower);
    const verify = (...more: string[]) => ok('audit', 'verify', '--tower', key.towerId, ...more, ...auditor);
    assert.match(await verify(), /^ok +true$/m);
    assert.equal((await archive()).status, 0);
    await ok('archive', 'verify', folder, '--tower', key.towerId);
    const replay = async (...more: string[]) => ok('audit', 'replay', '--json', ...more, ...auditor);
    const before = await replay();
    const [state] = tower.node.shards;
    const digest = state && stateDigest(state);
    await stopForGood(tower, { network: 'regtest', towerId: key.towerId, shards: 1, replicas: 1 });
    const trimmed = await trim();
    assert.deepEqual([trimmed.status, trimmed.stderr], [0, ''], trimmed.stdout);
    assert.match(trimmed.stdout, /^trimmed TOWER_0: /m);
    assert.match(await verify('--archive', folder), /^trimmed to +\d+$/m);
    assert.equal(await replay(), before);
    assert.equal(await replay('--archive', folder), before);
    for (const name of ['trees', 'snapshots']) rmSync(join(data, name), { recursive: true, force: true });
    await restart();
    assert.equal(tower.node.shards[0] && stateDigest(tower.node.shards[0]), digest);
    await allServed('behind the trim');
  });

  await t.test('another rotation behind a trim, and breaches of all', async () => {
    await rotate();
    await restart();
    const fourth = clientOf(identities()[3] as TowerId);
    await fourth.register();
    await tower.chain.mineOnly(users.map(({ breach }) => breach.disputeTx));
    for (const { breach } of users) await until('punished', () => isInMempool(tower, breach.penaltyTxid));
    await untilSigned(tower);
    const last = await heads.last(0 as Shard);
    assert(last && signerIs(headMessage(last.head), last.head.signature, identities()[3] as TowerId));
    for (const { client, receipt } of users) assert.ok((await client.getProof(receipt)).proof.head.signature);
    assert.match(await ok('audit', 'verify', '--tower', key.towerId, '--archive', folder, ...auditor), /^ok +true$/m);
    assert.equal(readdirSync(join(data, 'identities')).length, 3);
  });

  assert.deepEqual(tower.gaveUp, []);
});
