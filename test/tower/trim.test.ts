import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { stateDigest } from '../../projections/state-digest.js';
import { txid } from '../fixtures/ids.js';
import { mineEach, replaceBy } from '../support/breach.js';
import { tempDir } from '../support/temp-dir.js';
import { isInMempool, startTestTower, type TestTower, untilLevel } from '../support/tower.js';
import { stopForGood, trimmingOf, untilSigned } from '../support/trim-command.js';
import { until } from '../support/until.js';

const layoutOf = ({ key }: TestTower) => ({ network: 'regtest', towerId: key.towerId, shards: 1, replicas: 1 });

test('a tower whose log was trimmed goes on as if nothing had been taken from it', async (t) => {
  const tower = await startTestTower(t, { settings: { 'subscription.duration': '500', 'snapshots.every': '0' } });
  const [channel, other] = await openChannels(tower.chain, 2);
  assert(channel && other);
  await untilLevel(() => tower.node, tower.chain);
  const [alice, bob] = [await tower.newClient(), await tower.newClient('python')];
  for (const client of [alice, bob]) await client.register();
  const old = buildBreach(channel);
  const early = await alice.protect(old.disputeTxid, fromHex(old.penaltyTx), 144);
  // What nobody needs any more: versions that were replaced, and what was deleted and added anew.
  for (let version = 0; version < 30; version++)
    await alice.addAppointment(makeAppointment('rust', txid('often'), new Uint8Array(100 + version), 144));
  const [gone, kept] = [
    makeAppointment('python', txid('gone'), new Uint8Array(90), 144),
    makeAppointment('python', txid('kept'), new Uint8Array(90), 144),
  ];
  await bob.addAppointment(gone);
  await bob.addAppointment(kept);
  await tower.chain.mine(1);
  await untilSigned(tower);
  const before = await alice.getProof(early);
  for (let block = 0; block < 18; block++) {
    await tower.chain.mine(1);
    await untilLevel(() => tower.node, tower.chain);
  }
  await untilSigned(tower);
  const { archive, trim } = trimmingOf(t, tower);
  assert.equal((await archive()).status, 0);
  const busy = await trim();
  assert.deepEqual([busy.status, busy.stdout], [1, '']);
  assert.match(busy.stderr, /^argus: a node is at work on this log: stop every node/);

  const [state] = tower.node.shards;
  const digest = state && stateDigest(state);
  await stopForGood(tower, layoutOf(tower));
  const jsm = await (await tower.nats.connect('node')).jetstreamManager();
  const whole = await jsm.streams.info('TOWER_0');
  const trimmed = await trim();
  assert.deepEqual([trimmed.status, trimmed.stderr], [0, ''], trimmed.stdout);
  const rest = await jsm.streams.info('TOWER_0');
  assert.ok(rest.state.messages <= whole.state.messages - 28, `${rest.state.messages} of ${whole.state.messages}`);
  assert.equal(rest.state.last_seq, whole.state.last_seq);
  const { metadata: _, ...config } = whole.config;
  const { metadata, ...restored } = rest.config;
  assert.deepEqual(restored, config);
  assert.equal(metadata?.['argus.trimmed'], String(whole.state.last_seq));
  assert.deepEqual(await trim().then(({ status, stdout }) => [status, stdout]), [
    0,
    'nothing to be trimmed: what is archived was trimmed before, or matters still\n',
  ]);

  // From nothing but the log and the key.
  for (const name of ['trees', 'snapshots']) rmSync(join(tower.config.data, name), { recursive: true, force: true });
  await tower.restartNode();
  await untilLevel(() => tower.node, tower.chain);
  assert.equal(tower.node.shards[0] && stateDigest(tower.node.shards[0]), digest, 'the very same state');
  // Who was quiet since before the cut is known, and goes on.
  assert.equal((await bob.getSubscriptionInfo()).locators.length, 2);
  await bob.register();
  await bob.addAppointment(gone);
  const late = buildBreach(other);
  const receipt = await alice.protect(late.disputeTxid, fromHex(late.penaltyTx), 144);
  const again = await alice.protect(old.disputeTxid, fromHex(old.penaltyTx), 144);
  assert.equal(again.signature, early.signature, 'the same receipt again');
  await tower.chain.mine(1);
  await untilSigned(tower);
  // Under a head before the cut, of an appointment before the cut and of one behind it.
  for (const one of [early, receipt]) {
    const proof = await alice.getProof(one, before.proof.head);
    assert.ok(proof.older && proof.proof.head.treeSize > whole.state.last_seq);
  }
  // A breach of what was accepted before the cut, and a reorg that takes it out and brings it back.
  const [disputeBlock] = await mineEach(tower, [old.disputeTx]);
  assert(disputeBlock);
  await until('it is answered', () => isInMempool(tower, old.penaltyTxid));
  await replaceBy(tower, disputeBlock, [], []);
  await until('the dispute is sent again', () => isInMempool(tower, old.disputeTxid));
  await tower.chain.mineOnly([old.disputeTx]);
  await tower.chain.mineOnly([late.disputeTx]);
  await until(
    'both are answered',
    async () => (await isInMempool(tower, old.penaltyTxid)) && isInMempool(tower, late.penaltyTxid),
  );
  await tower.chain.mine(2);
  await untilSigned(tower);
  assert.deepEqual(tower.node.shards[0]?.counts.trackers, 2);
  assert.equal(tower.gaveUp.length, 0);
  const two = await tower.startNode('two', { settings: { data: tempDir(t) } });
  const digests = () => [tower.node, two].map(({ shards: [state] }) => state && stateDigest(state));
  await until('another node that begins with nothing is level', () => new Set(digests()).size === 1);
  assert.deepEqual(
    tower.said.filter(({ level }) => level >= 50).map(({ msg }) => msg),
    [],
  );
});
