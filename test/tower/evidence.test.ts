import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Transaction } from 'bitcoinjs-lib';
import { gatherEvidence, lookUpEvidence } from '../../actors/client/chain-evidence.js';
import { makeAppointment } from '../../actors/client/tower-client.js';
import {
  type Breach,
  buildBreach,
  type Channel,
  openChannels,
  sweepDelayed,
  sweepOwnHalf,
} from '../../cli/demo/channel.js';
import { promisedIn } from '../../cli/evidence.js';
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
  const { tower, guard, gather, lookUp, make, verify } = await world(t);
  const { towerId } = tower.key;
  const one = await guard('rust');
  const two = await guard('python', { isProven: false });
  await tower.stopNode();
  await tower.chain.mineOnly([one.breach.disputeTx, two.breach.disputeTx]);
  const height = await tower.chain.height();

  const early = await gather(one);
  await assert.rejects(lookUp(early), /the penalty has time until height/);
  writeFileSync(one.out, JSON.stringify(early));
  const offline = await verify(one);
  assert.equal(offline.status, 1);
  assert.match(offline.facts.why, /only a chain can show/);
  await tower.chain.mine(DELAY + 2);
  const unspent = await lookUp(early);
  assert.deepEqual(unspent, { height: height + DELAY + 2, taken: undefined, ranScripts: true });
  assert.match((await make(one)).stderr, /EEXIST/, 'no file is written over');

  for (const { breach, delayed } of [one, two]) await tower.chain.send(sweepDelayed(breach, delayed, DELAY));
  await tower.chain.mine(7);
  one.out += '.swept';
  const made = await make(one);
  assert.equal(made.status, 0, made.stderr);
  const { status, facts } = await verify(one);
  assert.equal(status, 0, JSON.stringify(facts));
  assert.deepEqual(
    [facts.dispute, facts.penalty, facts.dispute_height, facts.taken_height, facts.taken, facts.unchecked_inputs],
    [one.breach.disputeTxid, one.breach.penaltyTxid, height, height + DELAY + 3, 'after the delay', 0],
  );
  const withChain = await verify(one, true);
  assert.deepEqual(
    [withChain.facts.promise, withChain.facts.chain, withChain.facts.scripts],
    ['on the signed log', 'confirms it', 'bitcoind finds them valid'],
  );

  const good: MissedBreach = JSON.parse(readFileSync(one.out, 'utf8'));
  const other = await gather(two);
  for (const file of [good, other]) assert.equal((await lookUp(file)).taken?.height, height + DELAY + 3);
  for (const [reason, changed] of forgeries(good, other, one)) {
    const verified = verifyBreach(changed, towerId);
    assert.match(verified.ok ? 'it is believed' : verified.why, reason);
  }
  writeFileSync(one.out, JSON.stringify({ ...good, headers: ['00'] }));
  assert.match((await verify(one)).facts.why, /^headers.0: /);
});

test('there is no evidence of a breach that was answered, or never came, nor where its user made the penalty void', async (t) => {
  const { tower, guard, gather, make } = await world(t);
  const answered = await guard('rust', { isProven: false });
  const voided = await guard('rust', { isProven: false });
  const nothing = await guard('rust', { isProven: false });
  await tower.stopNode();
  await assert.rejects(gather(nothing), /holds the transaction that locator/);
  for (const { breach } of [answered, voided]) await tower.chain.mineOnly([breach.disputeTx]);
  await tower.chain.mineOnly([answered.breach.penaltyTx, sweepOwnHalf(voided.channel, voided.breach)]);
  await assert.rejects(gather(answered), /the penalty was mined at height/);
  await assert.rejects(gather(voided), /by whom it belongs to, who is no cheater/);
  await assert.rejects(gather({ ...answered, receipt: nothing.receipt }), /is not of the appointment in/);
  const made = await make(answered);
  assert.deepEqual([made.status, existsSync(answered.out)], [1, false]);
  assert.match(made.stderr, /^argus: the penalty was mined at height/);
});

/** Every way of changing evidence, and what is said of it. */
function* forgeries(good: MissedBreach, other: MissedBreach, kept: Guarded): Generator<[RegExp, MissedBreach]> {
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
  const { channel, breach } = kept;
  yield [/is the penalty itself/, { ...good, spend: { ...spend, rawTx: breach.penaltyTx } }];
  const otherPenalty = Transaction.fromHex(breach.penaltyTx);
  otherPenalty.locktime = 1;
  yield [/does not sign for what it takes/, { ...good, spend: { ...spend, rawTx: otherPenalty.toHex() } }];
  yield [/who is no cheater/, { ...good, spend: { ...spend, rawTx: sweepOwnHalf(channel, breach) } }];
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
  const { rpc } = tower.bitcoind;
  const gather = async (files: Guarded) => gatherEvidence(rpc, await promisedIn(files, towerId), towerId);
  const lookUp = async (file: MissedBreach) => {
    const verified = verifyBreach(file, towerId);
    assert.ok(verified.ok);
    return lookUpEvidence(rpc, file, verified.breach);
  };
  return { tower, guard, make, verify, gather, lookUp };
}
