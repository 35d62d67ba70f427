import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { signMessage } from '../../events/signing/message.js';
import { appointmentReceipt } from '../../events/signing/receipts.js';
import { secp256k1 } from '../../events/signing/secp256k1.js';
import { type PlayedAccount, playAccount } from './checker/accounts.js';
import type { BestChain } from './checker/best-chain.js';
import type { AppointmentReceipt } from './checker/evidence.js';
import { groupBy } from './checker/group-by.js';
import { checkLog } from './checker/log-integrity.js';
import { checkProtection } from './checker/protection.js';
import type { RawCommit, RawLog } from './checker/raw-log.js';
import { checkReceipts } from './checker/receipts.js';
import { appointmentIdOf, locatorOf } from './checker/signatures.js';

/** A small tower that kept its promises, as bytes and chain show it; each test breaks one of them, and the checker has to say so. */

const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const secret = new Uint8Array(32).fill(7);
const towerId = Buffer.from(secp256k1.publicKey(secret)).toString('hex');
const userSecret = new Uint8Array(32).fill(8);
const userId = Buffer.from(secp256k1.publicKey(userSecret)).toString('hex');
const disputeTxid = hash('dispute');
const penaltyTxid = hash('penalty');
const locator = locatorOf('rust', disputeTxid);
const appointmentId = appointmentIdOf(locator, userId);
const bytes = Buffer.from('a blob');
const blob = { position: 1, sha256: hash('a blob'), size: bytes.length };
const userSignature = signMessage(Buffer.from('anything'), userSecret);
const startBlock = 10;
const signature = signMessage(appointmentReceipt('rust', { userSignature, startBlock }), secret);
const entrusted = { locator, disputeTxid, sha256: blob.sha256, size: blob.size, toSelfDelay: 144 };
const receipt: AppointmentReceipt = { userId, dialect: 'rust', ...entrusted, startBlock, userSignature, signature };

interface World {
  receipts: AppointmentReceipt[];
  log: { chain: RawCommit[]; towers: RawCommit[][]; blobs: Map<number, { subject: string; bytes: Uint8Array }>[] };
  best: { hashes: string[]; heights: Map<string, number>; spenders: Map<string, string> };
}

/** An appointment for a dispute at height 12, its penalty at 13, and 100 blocks on top. */
function world(ends: 'in force' | 'resolved' = 'resolved'): World {
  const hashes = Array.from({ length: 120 }, (_, height) => hash(`block ${height}`));
  const blocks = hashes.map((own, height) => ({
    type: 'BlockConnected',
    v: 1,
    height,
    hash: own,
    prevHash: hashes[height - 1],
  }));
  const accepted = {
    ...{ type: 'AppointmentAccepted', v: 1, appointmentId, locator, scheme: 'teos-internal', slots: 1, slotsLeft: 99 },
    ...{ startBlock, toSelfDelay: 144, blob, userSignature, receiptSignature: signature },
  };
  const tower: [string, object][] = [
    [`user/${userId}`, { type: 'UserRegistered', v: 1, slotsAdded: 100, slots: 100 }],
    [`user/${userId}`, accepted],
  ];
  if (ends === 'resolved')
    tower.push(
      [`tracker/${appointmentId}`, { type: 'BreachDetected', v: 1, disputeTxid }],
      [`tracker/${appointmentId}`, { type: 'PenaltyIrrevocable', v: 1, penaltyTxid }],
      [`user/${userId}`, { type: 'AppointmentEnded', v: 1, appointmentId, reason: 'resolved', slotsRefunded: 1 }],
    );
  tower.push(['scan', { type: 'BlockScanned', v: 1, hash: hashes.at(-1) }]);
  const heights = new Map(ends === 'resolved' ? [[disputeTxid, 12] as const, [penaltyTxid, 13] as const] : []);
  const blobs = new Map(ends === 'resolved' ? [] : [[1, { subject: `argus.0.blob.${userId}`, bytes }] as const]);
  return {
    receipts: [receipt],
    log: {
      chain: [commit('CHAIN', 1, 'chain', ...blocks)],
      towers: [tower.map(([of, event], i) => commit('TOWER_0', i + 1, of, event))],
      blobs: [blobs],
    },
    best: { hashes, heights, spenders: new Map() },
  };
}

/** The same before any breach, until its user has it deleted. */
function deleted(): World {
  const made = world('in force');
  const message = Buffer.from(`Delete appointment ${locator} ${signature}`);
  const deletion = { locator, startBlock, receipt: signature, userSignature: signMessage(message, userSecret) };
  const ended = { type: 'AppointmentEnded', v: 2, appointmentId, reason: 'deleted', slotsRefunded: 1, deletion };
  const [tower = []] = made.log.towers;
  made.log.towers = [[...tower, commit('TOWER_0', tower.length + 1, `user/${userId}`, ended)]];
  made.log.blobs = [new Map()];
  return made;
}

const rival = hash('rival');

/** The same, but at height 13 another transaction spends what the penalty spends, and the appointment is rejected. */
function outspent(): World {
  const made = world();
  const output = { txid: disputeTxid, vout: 0 };
  const events = [
    [`tracker/${appointmentId}`, { type: 'PenaltyOutspent', v: 1, penaltyTxid, output, spentBy: rival }],
    [`tracker/${appointmentId}`, { type: 'OutspendIrrevocable', v: 1, spentBy: rival }],
    [`user/${userId}`, { type: 'AppointmentEnded', v: 1, appointmentId, reason: 'rejected', slotsRefunded: 0 }],
  ] as const;
  const [tower = []] = made.log.towers;
  const ended = tower.findIndex(({ events }) => events[0]?.type === 'PenaltyIrrevocable');
  const commits = events.map(([of, event], i) => commit('TOWER_0', ended + i + 1, of, event));
  const all = [...tower.slice(0, ended), ...commits, ...tower.slice(ended + 2)];
  made.log.towers = [all.map((each, i) => ({ ...each, id: `${i}`, position: i + 1 }))];
  made.best.heights.delete(penaltyTxid);
  made.best.heights.set(rival, 13);
  made.best.spenders.set(`${disputeTxid}:0`, rival);
  return made;
}

function commit(stream: string, position: number, aggregate: string, ...events: object[]): RawCommit {
  const subject = stream === 'CHAIN' ? 'argus.chain' : `argus.0.${aggregate.replace('/', '.')}`;
  const id = `${stream} ${position}`;
  return { id, aggregate, time: '', node: '', stream, position, subject, events: events as RawCommit['events'] };
}

/** What each blob holds: the penalty, or nothing of use. */
const sent = new Map([
  [blob.sha256, penaltyTxid],
  [hash('rubbish'), null],
]);

async function violations({ receipts, log, best }: World): Promise<string[]> {
  const evidence = { appointments: receipts, registrations: [], sent };
  const of = (kind: string) =>
    groupBy(
      log.towers.flat().filter(({ aggregate }) => aggregate.startsWith(kind)),
      ({ aggregate }) => aggregate.slice(kind.length),
    );
  const users = of('user/');
  const accounts = new Map<string, PlayedAccount>(Array.from(users, ([id, commits]) => [id, playAccount(commits)]));
  return [
    ...checkLog(log satisfies RawLog, best satisfies BestChain),
    ...Array.from(accounts.values()).flatMap((account) => account.violations),
    ...(await checkReceipts(towerId, evidence, log, accounts, users)),
    ...checkProtection(evidence, accounts, of('tracker/'), users, best).violations,
  ];
}

/** The last commit with such an event is taken away, and the rest moved up, as if it had never been. */
function without(world: World, type: string): void {
  const [tower = []] = world.log.towers;
  const kept = tower.filter(({ events }) => events[0]?.type !== type);
  world.log.towers = [kept.map((commit, i) => ({ ...commit, position: i + 1 }))];
}

describe('the checker', () => {
  test('has nothing against a tower that kept its promises', async () => {
    assert.deepEqual(await violations(world('resolved')), []);
    assert.deepEqual(await violations(world('in force')), []);
  });

  test('takes the penalty of a version whose receipt was lost for the answer to a breach', async () => {
    const made = world();
    const [tower = []] = made.log.towers;
    const [registered, accepted] = tower;
    assert(registered && accepted);
    const rubbish = { position: 2, sha256: hash('rubbish'), size: 9 };
    const before = { ...accepted, events: [{ ...accepted.events[0], blob: rubbish }] } as RawCommit;
    const all = [registered, before, ...tower.slice(1)];
    made.log.towers = [all.map((each, i) => ({ ...each, id: `${i}`, position: i + 1 }))];
    made.receipts = [{ ...receipt, sha256: rubbish.sha256, size: rubbish.size }];
    assert.deepEqual(await violations(made), []);
  });

  test('takes it that a penalty was given up whose inputs another transaction took, if the chain says so', async () => {
    assert.deepEqual(await violations(outspent()), []);
    for (const breaks of [
      ({ best }: World) => best.spenders.clear(),
      ({ best }: World) => best.heights.set(rival, 60),
      (world: World) => without(world, 'OutspendIrrevocable'),
    ]) {
      const world = outspent();
      breaks(world);
      assert.match((await violations(world)).join('\n'), /it was rejected, although its penalty is of use/);
    }
  });

  const broken: Record<string, [wanted: RegExp, breaks: (world: World) => void, ends?: 'in force']> = {
    'a receipt that another key signed': [
      /not signed by the tower/,
      ({ receipts }) => receipts.splice(0, 1, { ...receipt, signature: signMessage(bytes, secret) }),
    ],
    'a receipt that is not in the log': [/is not in the log/, (world) => without(world, 'AppointmentAccepted')],
    'a blob that is gone': [/its blob is not stored/, ({ log }) => log.blobs[0]?.clear(), 'in force'],
    'a blob that is another': [
      /its blob is damaged/,
      ({ log }) => log.blobs[0]?.set(1, { subject: '', bytes: Buffer.from('b') }),
      'in force',
    ],
    'a breach without a penalty': [/there is no penalty/, ({ best }) => best.heights.delete(penaltyTxid)],
    'a breach that nobody saw': [/there is no penalty/, ({ best }) => best.heights.set(disputeTxid, 5), 'in force'],
    'a burial that nobody saw': [/the log does not know/, (world) => without(world, 'PenaltyIrrevocable')],
    'an end that did not come': [
      /in force although its penalty is buried/,
      (world) => without(world, 'AppointmentEnded'),
    ],
    'a commit that is missing': [/message 3 is 4/, ({ log }) => log.towers[0]?.splice(2, 1)],
    'a commit that is there twice': [
      /stored twice/,
      ({ log }) => log.towers[0]?.push({ ...commit('TOWER_0', 7, 'scan', {}), id: 'TOWER_0 1' }),
    ],
    'a slot too much': [
      /slots is 1, and has to be 0/,
      ({ log }) => Object.assign(log.towers[0]?.[1]?.events[0] ?? {}, { blob: { ...blob, size: 0 } }),
    ],
    'a block that bitcoind does not have': [
      /at 40 the log has/,
      ({ best }) => best.hashes.splice(40, 1, hash('other')),
    ],
    'a tip that was not scanned': [/no BlockScanned of the tip/, (world) => without(world, 'BlockScanned')],
  };
  for (const [what, [wanted, breaks, ends]] of Object.entries(broken))
    test(`names ${what}`, async () => {
      const other = world(ends);
      breaks(other);
      assert.match((await violations(other)).join('\n'), wanted);
    });

  test('takes it that an appointment was deleted, if its user asked for that', async () => {
    assert.deepEqual(await violations(deleted()), []);
    for (const [wanted, changed] of [
      [/nobody asked for it/, { reason: 'resolved' }],
      [/its user has not asked/, { deletion: { locator, receipt: signature, userSignature } }],
      [/its user meant another version/, { deletion: { locator, receipt: userSignature, userSignature } }],
      [/of what was it asked/, { deletion: undefined }],
      [/slotsRefunded is 0/, { slotsRefunded: 0 }],
    ] as const) {
      const world = deleted();
      Object.assign(world.log.towers[0]?.at(-1)?.events[0] ?? {}, changed);
      assert.match((await violations(world)).join('\n'), wanted);
    }
  });

  test('takes a receipt by the identity that its user registered with, and by no other', async () => {
    const later = new Uint8Array(32).fill(9);
    const [from, to] = [towerId, Buffer.from(secp256k1.publicKey(later)).toString('hex')];
    const succession = Buffer.from(`argus: tower ${from} is succeeded by tower ${to}`);
    const [oldSignature, newSignature] = [signMessage(succession, secret), signMessage(succession, later)];
    const receiptSignature = signMessage(appointmentReceipt('rust', { userSignature, startBlock }), later);
    const rotated = (signed = newSignature) => {
      const made = world('in force');
      const [registered, accepted] = made.log.towers[0] ?? [];
      const event = { type: 'IdentityRotated', v: 1, from, to, oldSignature, newSignature: signed };
      made.log.chain.push(commit('CHAIN', 2, 'chain', event));
      Object.assign(registered?.events[0] ?? {}, { identity: to });
      Object.assign(accepted?.events[0] ?? {}, { receiptSignature });
      made.receipts = [{ ...receipt, signature: receiptSignature }];
      return made;
    };
    assert.deepEqual(await violations(rotated()), []);
    const byTheOld = rotated();
    byTheOld.receipts = [receipt];
    assert.match((await violations(byTheOld)).join('\n'), /not signed by the tower/);
    assert.match(
      (await violations(rotated(oldSignature))).join('\n'),
      /does not succeed .*\n.* no identity of the tower/,
    );
    const again = rotated();
    const [tower = []] = again.log.towers;
    const anew = { type: 'UserRegistered', v: 1, slotsAdded: 0, slots: 99 };
    tower.push(commit('TOWER_0', tower.length + 1, `user/${userId}`, anew));
    assert.match((await violations(again)).join('\n'), /was by another before/);
  });

  test('asks nothing of a tower for a dispute that is deeper than the receipt promises', async () => {
    const old = world('in force');
    old.best.heights.set(disputeTxid, startBlock - 6);
    assert.deepEqual(await violations(old), []);
  });
});
