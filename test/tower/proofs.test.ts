import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { overHttp } from '../../actors/client/http-courier.js';
import { overNats } from '../../actors/client/nats-courier.js';
import { makeAppointment, TowerClient } from '../../actors/client/tower-client.js';
import type { Shard } from '../../events/ids.js';
import { HeadStore } from '../../events/log/heads.js';
import { EventLog } from '../../events/log/log.js';
import { towerStream } from '../../events/log/streams.js';
import { type Evidence, wrongWith } from '../../events/proofs/appointment-proof.js';
import { txid } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { startHttpTower, urlOf } from '../support/http-tower.js';
import { secretOf } from '../support/shards.js';
import { tempDir } from '../support/temp-dir.js';
import { secretKey, type TestTower } from '../support/tower.js';
import { until } from '../support/until.js';

async function untilSigned(tower: TestTower, log: EventLog, shard = 0 as Shard): Promise<void> {
  const tail = await log.tail(towerStream(shard));
  await tower.chain.mine(1);
  await until('it is signed', async () => ((await new HeadStore(log).last(shard))?.head.treeSize ?? 0) > tail);
}

const refusedWith = (reason: string) => (error: { reason?: string }) => error.reason === reason;

/** Every way of changing a piece of evidence in one place. */
function* forgeries(evidence: Evidence): Generator<[string, Evidence]> {
  const { receipt, proof, older } = evidence;
  const hash = 'ab'.repeat(32);
  const { head } = proof;
  yield ['another commit', { ...evidence, proof: { ...proof, commit: proof.commit.replace('"v":1', '"v":1 ') } }];
  yield ['another position', { ...evidence, proof: { ...proof, position: proof.position + 1 } }];
  yield ['no inclusion', { ...evidence, proof: { ...proof, inclusion: proof.inclusion.slice(1) } }];
  yield ['another root', { ...evidence, proof: { ...proof, head: { ...head, root: hash } } }];
  yield [
    'another block',
    { ...evidence, proof: { ...proof, head: { ...head, blockHash: hash as typeof head.blockHash } } },
  ];
  yield ['another start', { ...evidence, receipt: { ...receipt, startBlock: receipt.startBlock + 1 } }];
  yield ['the signature of something else', { ...evidence, receipt: { ...receipt, signature: head.signature } }];
  if (!older) return;
  yield ['no consistency', { ...evidence, proof: { ...proof, consistency: undefined } }];
  yield ['another consistency', { ...evidence, proof: { ...proof, consistency: [hash] } }];
  yield ['another older head', { ...evidence, older: { ...older, root: hash } }];
}

test('users of both generations prove what the tower holds, over NATS and over HTTP, and verify it offline', async (t) => {
  const tower = await startHttpTower(t);
  const log = await EventLog.open(await tower.nats.connect('node'));
  const nats = overNats(await tower.nats.connect('public'));
  const { towerId } = tower.key;
  const folder = tempDir(t);
  for (const [dialect, courier] of [
    ['rust', nats],
    ['python', overHttp(urlOf(tower))],
  ] as const) {
    const client = new TowerClient(courier, { towerId, secretKey: secretKey(), dialect });
    await client.register();
    const appointment = makeAppointment(dialect, txid(dialect), new Uint8Array(100), 144);
    const receipt = await client.addAppointment(appointment);
    await assert.rejects(client.getProof(receipt), refusedWith('not-under-head'));
    await untilSigned(tower, log);
    const first = await client.getProof(receipt);

    const newer = await client.addAppointment({ ...appointment, encryptedBlob: new Uint8Array(120).fill(1) });
    await untilSigned(tower, log);
    const second = await client.getProof(newer, first.proof.head);
    assert.ok(second.proof.head.treeSize > first.proof.head.treeSize && second.older);
    await assert.rejects(client.getProof(receipt), { code: 'bad-receipt' }, 'what it has now is another version');
    await assert.rejects(
      client.getProof(newer, { ...first.proof.head, treeSize: 999, position: 999 }),
      refusedWith('head-not-found'),
    );

    for (const evidence of [first, second]) {
      assert.equal(wrongWith(JSON.parse(JSON.stringify(evidence)), towerId), undefined);
      assert.match(wrongWith(evidence, client.userId as string as typeof towerId) ?? '', /not signed by tower/);
      for (const [what, forged] of forgeries(evidence)) assert.ok(wrongWith(forged, towerId), what);
    }
    writeFileSync(join(folder, `${dialect}.json`), JSON.stringify(second));
    writeFileSync(
      join(folder, `${dialect} forged.json`),
      JSON.stringify({ ...second, older: { ...second.older, root: '00'.repeat(32) } }),
    );
  }

  const stranger = new TowerClient(nats, { towerId, secretKey: secretKey() });
  const { receipt }: Evidence = JSON.parse(readFileSync(join(folder, 'rust.json'), 'utf8'));
  await assert.rejects(stranger.getProof(receipt), refusedWith('authentication-failed'));

  // Nothing of the tower is left to ask.
  await tower.stopNode();
  await tower.nats.stop();
  const files = (name: string) => ['rust', 'python'].map((dialect) => join(folder, `${dialect}${name}.json`));
  const good = await argus(['client', 'verify', '--tower', towerId, '--json', ...files('')]);
  assert.deepEqual([good.status, good.stderr], [0, '']);
  const verdicts = good.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(verdicts.every(({ ok, continues_size, head_size }) => ok && continues_size < head_size));
  const bad = await argus(['client', 'verify', '--tower', towerId, ...files(''), ...files(' forged')]);
  assert.equal(bad.status, 1);
  assert.equal(bad.stdout.match(/^ok +true$/gm)?.length, 2);
  assert.equal(bad.stdout.match(/^why +the older head is not one of this log$/gm)?.length, 2);
  assert.equal((await argus(['client', 'verify', '--tower', 'me', ...files('')])).status, 2);
});

test('a node that does not serve the shard of a user has another one prove it', async (t) => {
  const settings = { 'log.shards': '2', 'log.serve': '0' };
  const tower = await startHttpTower(t, { settings });
  const two = await tower.startNode('two', { settings: { 'log.serve': '1', 'http.listen': 'off' } });
  const log = await EventLog.open(await tower.nats.connect('node'));
  const options = { towerId: tower.key.towerId, secretKey: secretOf(1, 2) };
  const client = new TowerClient(overHttp(urlOf(tower)), options);
  await client.register();
  const receipt = await client.addAppointment(makeAppointment('rust', txid('far'), new Uint8Array(100), 144));
  await untilSigned(tower, log, 1 as Shard);
  assert.equal((await client.getProof(receipt)).proof.head.shard, 1);
  await two.stop();
  await assert.rejects(client.getProof(receipt), refusedWith('shard-not-served'));
});
