import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeAppointment } from '../../actors/client/tower-client.js';
import {
  type Breach,
  buildBreach,
  type Channel,
  openChannels,
  spendPenalty,
  sweepDelayed,
  sweepOwnHalf,
} from '../../cli/demo/channel.js';
import { type RegtestKey, regtestKey } from '../../cli/servers/regtest-key.js';
import { fromHex, toHex } from '../../events/bytes.js';
import { parseHeader } from '../../events/proofs/headers.js';
import type { MissedBreach } from '../../events/proofs/missed-breach.js';
import { verifyBreach } from '../../events/proofs/verify-breach.js';
import type { Dialect } from '../../events/signing/receipts.js';
import { argus } from '../support/argus.js';
import { type Cleanup, tempDir } from '../support/temp-dir.js';
import { startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';

const DELAY = 20;

test('a breach that a tower missed is shown to anybody, offline, and a file that was changed is refused with its reason', async (t) => {
  const { tower, guard, missed, ...command } = await world(t);
  const one = await guard('rust');
  const two = await guard('python', { isProven: false });
  await missed();
  await tower.chain.mineOnly([one.breach.disputeTx, two.breach.disputeTx]);
  const height = await tower.chain.height();

  const early = await command.make(one);
  assert.equal(early.status, 0, early.stderr);
  const offline = await command.verify(one);
  assert.equal(offline.status, 1);
  assert.match(offline.facts.why, /only a chain can show/);
  assert.match((await command.verify(one, true)).facts.why, /the penalty has time until height/);

  await tower.chain.mine(DELAY + 2);
  const unspent = await command.verify(one, true);
  assert.equal(unspent.status, 0, JSON.stringify(unspent.facts));
  assert.equal(unspent.facts.chain, `has no penalty up to height ${height + DELAY + 2}`);
  assert.equal(unspent.facts.scripts, 'bitcoind finds them valid');
  assert.match((await command.make(one)).stderr, /EEXIST/, 'no file is written over');

  for (const { breach, delayed } of [one, two]) await tower.chain.send(sweepDelayed(breach, delayed, DELAY));
  await tower.chain.mine(7);
  for (const each of [one, two]) {
    each.out = `${each.out}.swept`;
    const made = await command.make(each);
    assert.equal(made.status, 0, made.stderr);
    const { status, facts } = await command.verify(each);
    assert.equal(status, 0, JSON.stringify(facts));
    assert.deepEqual(
      [facts.dispute, facts.penalty, facts.dispute_height, facts.taken_height, facts.taken, facts.unchecked_inputs],
      [each.breach.disputeTxid, each.breach.penaltyTxid, height, height + DELAY + 3, 'after the delay', 0],
    );
    assert.equal(facts.promise, each === one ? 'on the signed log' : 'by receipt alone');
    assert.equal((await command.verify(each, true)).facts.chain, 'confirms it');
  }

  const { towerId } = tower.key;
  const file = (each: Guarded): MissedBreach => JSON.parse(readFileSync(each.out, 'utf8'));
  const [good, other] = [file(one), file(two)];
  for (const [reason, changed] of forgeries(good, other)) {
    const verified = verifyBreach(changed, towerId);
    assert.match(verified.ok ? 'it is believed' : verified.why, reason);
  }
  writeFileSync(one.out, JSON.stringify({ ...good, headers: ['00'] }));
  assert.match((await command.verify(one)).facts.why, /^headers.0: /);
  writeFileSync(one.out, JSON.stringify({ ...good, receipt: { ...good.receipt, startBlock: 1 } }));
  assert.match((await command.verify(one)).facts.why, /the receipt is not signed by tower/);
});

describe('there is no evidence', () => {
  test('of a breach that was answered, by this penalty or another, nor where its user made it void', async (t) => {
    const { tower, guard, missed, ...command } = await world(t);
    const answered = await guard('rust');
    const void_ = await guard('rust');
    const nothing = await guard('rust');
    await missed();
    assert.match((await command.make(nothing)).stderr, /holds the transaction that locator/);
    for (const { breach } of [answered, void_]) await tower.chain.mineOnly([breach.disputeTx]);
    await tower.chain.mineOnly([answered.breach.penaltyTx, sweepOwnHalf(void_.channel, void_.breach)]);
    await tower.chain.mineOnly([spendPenalty(answered.channel, answered.breach)]);
    assert.match((await command.make(answered)).stderr, /the penalty was mined at height/);
    assert.match((await command.make(void_)).stderr, /by whom it belongs to, who is no cheater/);
    for (const { out } of [answered, void_, nothing]) assert.ok(!existsSync(out));
    const wrong = await command.make({ ...answered, receipt: nothing.receipt });
    assert.match(wrong.stderr, /is not of the appointment in/);
    assert.equal((await argus(['client', 'evidence', '--tower', tower.key.towerId])).status, 2);
  });
});

/** Every way of changing evidence, and what is said of it. */
function* forgeries(good: MissedBreach, other: MissedBreach): Generator<[RegExp, MissedBreach]> {
  const { receipt, appointment, dispute, headers, subscription, spend, proof } = good;
  assert(subscription && spend && other.spend && proof);
  const blob = toHex(fromHex(appointment.encryptedBlob).map((byte, i) => (i === 0 ? byte ^ 1 : byte)));
  yield [/not what its user signed/, { ...good, appointment: { ...appointment, encryptedBlob: blob } }];
  yield [/not what its user signed/, { ...good, userId: other.userId }];
  yield [/receipt is not signed by tower/, { ...good, receipt: { ...receipt, startBlock: receipt.startBlock - 1 } }];
  yield [/receipt is not signed by tower/, { ...good, dialect: 'python' }];
  yield [/subscription is not signed/, { ...good, subscription: { ...subscription, expiry: subscription.expiry + 1 } }];
  yield [/head is not signed by tower/, { ...good, proof: { ...proof, head: { ...proof.head, height: 5 as never } } }];
  yield [/at position/, { ...good, proof: { ...proof, position: proof.position + 1 } }];
  yield [/not the one that the locator names/, { ...good, dispute: { ...dispute, rawTx: other.dispute.rawTx } }];
  yield [/the dispute is no transaction/, { ...good, dispute: { ...dispute, rawTx: '00' } }];
  yield [/not in the block of the first header/, { ...good, headers: headers.slice(1) }];
  yield [/not in the block of the first header/, { ...good, dispute: { ...dispute, inclusion: spend.inclusion } }];
  yield [/does not say at which height/, { ...good, dispute: { ...dispute, coinbase: dispute.rawTx } }];
  yield [/header 2 does not follow/, { ...good, headers: headers.filter((_, n) => n !== 2) }];
  const [last = ''] = headers.slice(-1);
  const nonces = Array.from({ length: 64 }, (_, n) => `${last.slice(0, 152)}${n.toString(16).padStart(8, '0')}`);
  const idle = nonces.find((header) => isIdle(header)) ?? assert.fail('each has proof of work');
  yield [/has no proof of work/, { ...good, headers: [...headers.slice(0, -1), idle] }];
  yield [/asks for less work than mainnet allows/, { ...good, network: 'mainnet' }];
  yield [/takes nothing that the penalty was to take/, { ...good, spend: other.spend }];
  yield [/what took the output is no transaction/, { ...good, spend: { ...spend, rawTx: 'ff' } }];
  yield [/in none of the blocks/, { ...good, spend: { ...spend, inclusion: dispute.inclusion } }];
  yield [/in none of the blocks/, { ...good, headers: headers.slice(0, 3) }];
}

function isIdle(hex: string): boolean {
  const { hash, target } = parseHeader(fromHex(hex));
  return BigInt(`0x${hash}`) > target;
}

/** What a client keeps of one channel, in files. */
interface Guarded {
  readonly channel: Channel;
  readonly breach: Breach;
  readonly delayed: RegtestKey;
  readonly appointment: string;
  readonly receipt: string;
  readonly subscription: string;
  out: string;
}

/** A tower, clients of it that keep what they get, and the commands that they use once it is gone. */
async function world(t: Cleanup) {
  const tower = await startTestTower(t);
  const channels = await openChannels(tower.chain, 3);
  await untilLevel(() => tower.node, tower.chain);
  const folder = tempDir(t);
  const { towerId } = tower.key;
  const { rpcUrl, cookieFile } = tower.bitcoind;
  const chain = ['--bitcoind', rpcUrl, '--bitcoind-cookie', cookieFile];

  const guard = async (dialect: Dialect, { isProven = true } = {}): Promise<Guarded> => {
    const channel = channels.pop();
    assert(channel);
    const delayed = regtestKey();
    const breach = buildBreach(channel, { delayed, toSelfDelay: DELAY });
    const client = await tower.newClient(dialect);
    const name = (what: string) => join(folder, `${client.userId} ${what}.json`);
    const keep = (what: string, value: unknown): string => {
      writeFileSync(name(what), JSON.stringify(value));
      return name(what);
    };
    const subscription = keep('subscription', await client.register());
    const made = makeAppointment(dialect, breach.disputeTxid, fromHex(breach.penaltyTx), DELAY);
    const { locator, encryptedBlob, toSelfDelay } = made;
    const sent = { locator, encrypted_blob: toHex(encryptedBlob), to_self_delay: toSelfDelay };
    const appointment = keep('appointment', sent);
    const receipt = await client.addAppointment(made);
    if (isProven) await tower.chain.mine(1);
    const kept = isProven
      ? await until('it is under a head', () => client.getProof(receipt).catch(() => undefined))
      : receipt;
    return {
      channel,
      breach,
      delayed,
      appointment,
      subscription,
      receipt: keep('receipt', kept),
      out: name('evidence'),
    };
  };

  const make = ({ appointment, receipt, subscription, out }: Guarded) => {
    const files = ['--appointment', appointment, '--receipt', receipt, '--subscription', subscription, '--out', out];
    return argus(['client', 'evidence', '--tower', towerId, ...files, ...chain]);
  };
  const verify = async ({ out }: Guarded, withChain = false) => {
    const { status, stdout, stderr } = await argus([
      ...['client', 'verify', '--json', '--tower', towerId, out],
      ...(withChain ? chain : []),
    ]);
    assert.equal(stderr, '');
    return { status, facts: JSON.parse(stdout) };
  };
  return { tower, guard, missed: () => tower.stopNode(), make, verify };
}
