import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { overNats } from '../../actors/client/nats-courier.js';
import { TowerClient } from '../../actors/client/tower-client.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { chainAggregate } from '../../events/aggregate.js';
import { fromHex } from '../../events/bytes.js';
import { encodeCommit, newCommit } from '../../events/commit.js';
import { isSigned } from '../../events/identity.js';
import { TowerId } from '../../events/ids.js';
import type { Dialect } from '../../events/signing/receipts.js';
import { argus } from '../support/argus.js';
import { auditorsWay } from '../support/auditor-command.js';
import { keysReadFrom } from '../support/key-ring.js';
import { tempDir } from '../support/temp-dir.js';
import { isInMempool, secretKey, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';
import { verified } from '../support/verified.js';

test('a tower begins another identity: who was there goes on with the old one, newcomers have the new one', async (t) => {
  const data = join(tempDir(t), 'data');
  const key = keysReadFrom(data);
  const tower = await startTestTower(t, { key });
  const clientOf = async (towerId: TowerId, dialect: Dialect = 'rust') =>
    new TowerClient(overNats(await tower.nats.connect('public')), { towerId, secretKey: secretKey(), dialect });
  const [one, two] = await openChannels(tower.chain, 2);
  assert(one && two);
  await untilLevel(() => tower.node, tower.chain);
  const [old, oldPython] = [await clientOf(key.towerId), await clientOf(key.towerId, 'python')];
  for (const client of [old, oldPython]) await client.register();
  const breach = buildBreach(one);
  const receipt = await old.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  await tower.chain.mine(1);
  const before = await until('a first head', () => old.getProof(receipt).catch(() => undefined));

  mkdirSync(join(data, 'nats'), { recursive: true });
  writeFileSync(join(data, 'nats', 'node.nkey'), tower.nats.nodeSeed, { mode: 0o600 });
  const where = ['--network=regtest', `--data=${data}`];
  const rotate = (...args: string[]) => argus(['key', 'rotate', ...where, `--nats=${tower.nats.url}`, ...args]);
  assert.equal((await rotate()).status, 2);
  const rotated = await rotate('--yes');
  assert.deepEqual([rotated.status, rotated.stderr], [0, '']);
  const newId = TowerId.parse(readdirSync(join(data, 'identities'))[0]?.slice(0, 66));
  assert.match(rotated.stdout, new RegExp(`^Tower ${key.towerId} goes on as ${newId} for`));

  await t.test('a node without the new key serves whom it knew, and nobody new', async () => {
    const info = await until('it knows', async () => {
      const info = await old.info();
      return info.tower_id === newId ? info : undefined;
    });
    assert.deepEqual(
      info.successions?.map(({ from, to }) => [from, to]),
      [[key.towerId, newId]],
    );
    assert.ok(info.successions?.every(isSigned));
    const newcomer = await clientOf(newId);
    await assert.rejects(newcomer.register(), { code: 'tower-refused', reason: 'unavailable' });
    await old.register();
    await old.protect('11'.repeat(32) as never, new Uint8Array(90), 144);
    assert.equal(tower.said.filter(({ msg }) => msg.startsWith('this node has no key of')).length, 1);
  });

  key.read(data);
  await tower.restartNode();
  await untilLevel(() => tower.node, tower.chain);
  const [fresh, freshPython] = [await clientOf(newId), await clientOf(newId, 'python')];
  const later = buildBreach(two);

  await t.test('each gets receipts by its own identity, in both dialects', async () => {
    for (const client of [fresh, freshPython]) await client.register();
    await fresh.protect(later.disputeTxid, fromHex(later.penaltyTx), 144);
    for (const client of [old, oldPython]) {
      await client.register();
      const { locator } = await client.protect('22'.repeat(32) as never, new Uint8Array(90), 144);
      assert.equal((await client.getAppointment(locator)).status, 'being_watched');
    }
    const kept = await freshPython.protect('33'.repeat(32) as never, new Uint8Array(90), 144);
    await freshPython.deleteAppointment(kept);
    await freshPython.register();
    const deceived = await clientOf(key.towerId);
    await assert.rejects(deceived.register(), { code: 'bad-receipt' });
  });

  await t.test('heads are signed by the new one, and both kinds of users prove what they have', async () => {
    const mine = await fresh.protect('44'.repeat(32) as never, new Uint8Array(90), 144);
    await tower.chain.mine(1);
    const proof = await until('a head', () => fresh.getProof(mine).catch(() => undefined));
    const after = await old.getProof(receipt, before.proof.head);
    assert.equal(after.proof.head.signature, proof.proof.head.signature);
    const file = join(tempDir(t), 'proof.json');
    writeFileSync(file, JSON.stringify(after));
    for (const [id, status] of [
      [key.towerId, 0],
      [`02${'11'.repeat(32)}`, 1],
    ] as const)
      assert.equal((await argus(['client', 'verify', '--tower', id, file])).status, status);
  });

  await t.test('breaches of both are punished', async () => {
    await tower.chain.mineOnly([breach.disputeTx, later.disputeTx]);
    for (const { penaltyTxid } of [breach, later]) await until('punished', () => isInMempool(tower, penaltyTxid));
    await untilLevel(() => tower.node, tower.chain);
  });

  await t.test('an auditor finds nothing wrong, live or in an archive', async () => {
    await until('the last block is signed', async () => {
      const { findings, counts } = await verified(tower.nats, key.towerId);
      const [shard] = counts.shards as Record<string, number>[];
      assert.deepEqual(findings, []);
      return shard?.signed_to === shard?.messages;
    });
    const archive = join(tempDir(t), 'archive');
    const way = auditorsWay(t, tower.nats);
    const made = await argus(['archive', archive, '--older-than', '0m', ...way]);
    assert.deepEqual([made.status, made.stderr], [0, '']);
    const checked = await argus(['archive', 'verify', archive, '--tower', key.towerId]);
    assert.deepEqual([checked.status, checked.stderr], [0, '']);
  });

  await t.test('a node that folds the log anew comes to the same state', async () => {
    const other = await tower.startNode('two', { settings: { 'snapshots.every': '0' } });
    const stateOf = (node: typeof other) => JSON.stringify([node.chain.state, node.shards]);
    await until('the same', () => stateOf(other) === stateOf(tower.node));
    await other.stop();
  });

  await t.test('a statement that is forged changes nothing, and is found', async () => {
    const nc = await tower.nats.connect('node');
    const message = key.sign(new Uint8Array(1));
    const to = TowerId.parse(`02${'11'.repeat(32)}`);
    const forged = { type: 'IdentityRotated', from: newId, to, oldSignature: message, newSignature: message };
    const commit = newCommit(chainAggregate, [forged], 'one', Date.now()) as Parameters<typeof encodeCommit>[0];
    const { seq } = await nc.jetstream().publish('argus.chain', encodeCommit(commit));
    await until('it is folded', () => tower.node.chain.state.position >= seq);
    assert.equal((await old.info()).tower_id, newId);
    const { findings } = await verified(tower.nats, key.towerId);
    assert.deepEqual(
      findings.map(({ stream, position, what }) => `${stream} ${position} ${what}`),
      [`CHAIN ${seq} identity`],
    );
  });

  assert.deepEqual(tower.gaveUp, []);
});
