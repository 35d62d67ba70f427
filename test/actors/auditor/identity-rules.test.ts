import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChainRecord } from '../../../actors/auditor/chain-record.js';
import type { Finding } from '../../../actors/auditor/findings.js';
import { HeadRecord } from '../../../actors/auditor/head-record.js';
import { type TowerKey, towerKeyOf } from '../../../actors/secrets.js';
import { type IdentityRotated, successionMessage } from '../../../events/identity.js';
import type { TowerId } from '../../../events/ids.js';
import { encodeHead, headHash, headMessage, type TreeHead } from '../../../events/tree-head.js';
import { block, chainCommit, height } from '../../fixtures/blocks.js';
import { outdated, registered } from '../../fixtures/histories.js';
import { type Cases, ending, judgeAll } from '../../support/judged.js';

const stranger = `02${'44'.repeat(32)}` as TowerId;
const identities: Cases = {
  'a renewal of a user whose subscription ran out, by another identity': [
    ({ user }) => {
      user(ending('expired', 1));
      user(outdated(2010));
      user(registered({ identity: stranger }));
    },
    /identity: the user was served by another identity.*identity: 02(44)+ is no later identity of the tower/,
  ],
};

judgeAll('who signs for a user', identities);

test('a statement of succession has to be signed by both, go on from the last one, and name a new one', () => {
  const keys = [1, 2, 3].map((n) => towerKeyOf(new Uint8Array(32).fill(n)));
  const [a, b, c] = keys as [TowerKey, TowerKey, TowerKey];
  const rotated = (old: TowerKey, fresh: TowerKey, by = old): IdentityRotated => {
    const message = successionMessage(old.towerId, fresh.towerId);
    const signed = { oldSignature: by.sign(message), newSignature: fresh.sign(message) };
    return { type: 'IdentityRotated', from: old.towerId, to: fresh.towerId, ...signed };
  };
  const said: string[] = [];
  const record = new ChainRecord(a.towerId);
  const apply = (...events: IdentityRotated[]) =>
    record.apply(chainCommit(1, ...events), 0, 0, (what, why) => void said.push(`${what}: ${why}`));
  apply(rotated(a, b, c));
  apply(rotated(b, c));
  assert.deepEqual(record.identities, [a.towerId]);
  apply(rotated(a, b));
  apply(rotated(a, c));
  apply(rotated(b, a));
  assert.deepEqual(new ChainRecord(a.towerId, record.save()).identities, [a.towerId, b.towerId]);
  const [unsigned, early, fork, back] = said;
  assert.match(unsigned ?? '', /^identity: .* is not signed by both$/);
  assert.match(early ?? '', new RegExp(`^identity: .*while ${a.towerId} is in force$`));
  assert.match(fork ?? '', new RegExp(`^identity: .*while ${b.towerId} is in force$`));
  assert.match(back ?? '', /was an identity of the tower before$/);
  assert.equal(said.length, 4);
});

test('no head is signed by an older identity than the one before it', () => {
  const keys = [1, 2].map((n) => towerKeyOf(new Uint8Array(32).fill(n)));
  const [old, fresh] = keys as [TowerKey, TowerKey];
  const found: Finding[] = [];
  const signers: string[] = [];
  const signatures = { message: (_: unknown, __: unknown, signer: string) => void signers.push(signer) } as never;
  const heads = new HeadRecord({
    identities: keys.map(({ towerId }) => towerId),
    shards: 1,
    signatures,
    found: (finding) => void found.push(finding),
  });
  let last: TreeHead | undefined;
  for (const [n, key] of [old, fresh, fresh, old].entries()) {
    const bare = {
      v: 1 as const,
      shard: 0 as never,
      position: n + 1,
      treeSize: n + 1,
      root: `${n}`.repeat(64),
      height: height(1000 + n),
      blockHash: block(1000 + n).hash,
      previous: last ? headHash(last) : null,
    };
    const head = { ...bare, signature: key.sign(headMessage(bare)) };
    last = head;
    heads.apply({
      stream: 'CHECKPOINTS',
      position: n + 1,
      subject: 'argus.checkpoint.0',
      time: 0,
      data: encodeHead(head),
    });
  }
  assert.deepEqual(
    signers,
    [old, fresh, fresh, old].map(({ towerId }) => towerId),
  );
  assert.deepEqual(
    found.map(({ position, why }) => [position, why]),
    [[4, 'it is signed by an older identity of the tower than the head before it']],
  );
});
