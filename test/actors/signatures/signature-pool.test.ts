import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as round, setTimeout as sleep } from 'node:timers/promises';
import { towerKeyOf } from '../../../actors/secrets.js';
import { startSigningThread } from '../../../actors/signatures/signing-thread.js';
import { SLOT_BYTES } from '../../../actors/signatures/slots.js';
import { utf8 } from '../../../events/bytes.js';
import type { TowerId } from '../../../events/ids.js';
import { recoverSigner, signMessage } from '../../../events/signing/message.js';
import { secp256k1 } from '../../../events/signing/secp256k1.js';
import { nobleSecp256k1 } from '../../../events/signing/secp256k1-noble.js';
import { curves } from '../../events/signing/curves.js';
import { notSignatures, signedMessages as vectors } from '../../fixtures/teos-vectors.js';
import { until } from '../../support/until.js';
import { counting, kill, signedMessages, testPool, towerSecret } from './pools.js';

const isUnavailable = { code: 'signatures-unavailable' };

describe('the signature pool', () => {
  for (const curve of curves)
    for (const threads of [0, 1, 3])
      test(`gives what the direct functions give, with ${threads} threads and ${curve.name}`, async (t) => {
        const { pool } = testPool(t, { threads, curve });
        const known = vectors.map(({ message, signature }) => ({ message: utf8(message), signature }));
        const broken = notSignatures.map((signature) => ({ message: utf8('Test message'), signature }));
        const nobody = { message: utf8('Test message'), signature: 'y'.repeat(104) };
        const all = [...known, ...broken, nobody, ...signedMessages(curve === nobleSecp256k1 ? 10 : 100)];
        const signers = Promise.all(all.map(({ message, signature }) => pool.recover(message, signature)));
        const receipts = Promise.all(all.map(({ message }) => pool.sign(message)));
        assert.deepEqual(
          await signers,
          all.map(({ message, signature }) => recoverSigner(message, signature, curve)),
        );
        assert.deepEqual(
          await receipts,
          all.map(({ message }) => signMessage(message, towerSecret, curve)),
        );
        for (const { message, publicKey, signature } of vectors)
          assert.equal(await pool.recover(utf8(message), signature), publicKey);
      });

  for (const threads of [0, 2])
    test(`signs as any of the tower's identities, and as nobody else, with ${threads} threads`, async (t) => {
      const secrets = [towerSecret, new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
      const key = towerKeyOf(new Uint8Array(towerSecret), secrets.slice(1));
      const { identities, copySecret } = key;
      const { pool, shared } = testPool(t, { threads, identities, copySecret });
      const messages = Array.from({ length: 200 }, (_, n) => ({ bytes: utf8(`message ${n}`), by: n % 3 }));
      const signatures = await Promise.all(messages.map(({ bytes, by }) => pool.sign(bytes, identities[by])));
      for (const [n, { bytes, by }] of messages.entries())
        assert.equal(signatures[n], signMessage(bytes, secrets[by] ?? assert.fail()));
      await assert.rejects(pool.sign(utf8('a'), `02${'33'.repeat(32)}` as TowerId), isUnavailable);
      await pool.stop();
      for (const memory of shared) assert.deepEqual(memory, new Uint8Array(96));
    });

  test('answers in the order of the questions, whichever thread is faster', async (t) => {
    const held: (() => void)[] = [];
    let started = 0;
    const { pool } = testPool(t, {
      startThread: (options, { done, ...events }) => {
        const isFirst = started++ === 0;
        return startSigningThread(options, {
          ...events,
          done: (batch) => (isFirst ? held.push(() => done(batch)) : done(batch)),
        });
      },
    });
    const order: number[] = [];
    const asked = signedMessages(50).map(async ({ message, signature }, i) => {
      await pool.recover(message, signature);
      order.push(i);
    });
    await until('the first thread is done with something', () => held.length > 0);
    for (let release = held.shift(); release || order.length < 50; release = held.shift()) {
      release?.();
      await round();
    }
    await Promise.all(asked);
    assert.deepEqual(
      order,
      Array.from({ length: 50 }, (_, i) => i),
    );
  });

  test('does again what a thread had that was killed, says so, and starts another', async (t) => {
    const { pool, threads, said } = testPool(t, { threads: 1 });
    const all = signedMessages(300);
    const signers = Promise.all(all.map(({ message, signature }) => pool.recover(message, signature)));
    await round();
    kill(threads[0]);
    assert.deepEqual(
      await signers,
      all.map(({ message, signature }) => recoverSigner(message, signature)),
    );
    await until('there is another thread', () => threads.length === 2);
    assert.match(said.join(''), /"level":50.*a thread for signatures died/);
    assert.equal(await pool.sign(utf8('a receipt')), signMessage(utf8('a receipt'), towerSecret));
  });

  test('goes on by itself where threads die all the time, and starts no more of them', async (t) => {
    const { pool, threads } = testPool(t, {
      threads: 1,
      startThread: (options, events) => {
        const thread = startSigningThread(options, events);
        kill(thread);
        return thread;
      },
    });
    for (let i = 0; i < 20 || threads.length < 5; i++) {
      const all = signedMessages(10);
      const signers = await Promise.all(all.map(({ message, signature }) => pool.recover(message, signature)));
      assert.deepEqual(
        signers,
        all.map(({ message, signature }) => recoverSigner(message, signature)),
      );
    }
    assert.equal(threads.length, 5);
  });

  test('rejects what two threads died of, and answers everything else', async (t) => {
    const { pool } = testPool(t, {
      threads: 2,
      startThread: (options, events) => {
        const thread = startSigningThread(options, events);
        return {
          ...thread,
          post(batch) {
            if (batch.length === 8 * SLOT_BYTES) kill(thread);
            else thread.post(batch);
          },
        };
      },
    });
    const all = signedMessages(9);
    const answers = await Promise.allSettled(all.map(({ message, signature }) => pool.recover(message, signature)));
    assert.equal(answers[0]?.status, 'fulfilled', 'the first was alone, and answered at once');
    for (const answer of answers.slice(1)) {
      assert(answer.status === 'rejected');
      assert.equal(answer.reason.code, 'signatures-unavailable');
    }
    assert.match(await pool.sign(utf8('a receipt')), /^[a-z0-9]{104}$/);
  });

  test('rejects what is under way when it is stopped, what comes later, and leaves no key', async (t) => {
    const { pool, shared } = testPool(t);
    const all = signedMessages(200);
    const asked = all.map(({ message, signature }) => pool.recover(message, signature));
    const signing = all.map(({ message }) => pool.sign(message));
    const settled = Promise.allSettled([...asked, ...signing]);
    await round();
    assert.deepEqual(shared[0], towerSecret);
    await pool.stop();
    for (const answer of await settled)
      if (answer.status === 'rejected') assert.equal(answer.reason.code, 'signatures-unavailable');
    assert.equal((await settled).at(-1)?.status, 'rejected');
    await assert.rejects(pool.sign(utf8('a receipt')), isUnavailable);
    await assert.rejects(pool.recover(utf8('a receipt'), all[0]?.signature ?? ''), isUnavailable);
    assert.deepEqual(shared[0], new Uint8Array(32));
  });

  test('is stopped in the middle of its work, however often', async (t) => {
    for (let i = 0; i < 12; i++) {
      const { pool } = testPool(t);
      const signing = Array.from({ length: 1_500 }, (_, n) => pool.sign(utf8(`receipt ${n}`)));
      const settled = Promise.allSettled(signing);
      await sleep(10 + 4 * i); // the threads are at it by then, in native code
      await pool.stop();
      await settled;
    }
  });

  test('refuses what is more than it can hold', async (t) => {
    const { pool } = testPool(t, { threads: 1 });
    const [one] = signedMessages(1);
    assert(one);
    const asked = Array.from({ length: 300 }, () => pool.recover(new Uint8Array(100_000), one.signature));
    const answers = await Promise.allSettled(asked);
    const refused = answers.filter(({ status }) => status === 'rejected');
    assert.ok(refused.length > 0 && refused.length < 300, `${refused.length} were refused`);
  });
});

describe("the node's own thread", () => {
  test('answers one question in a round of the event loop, and only if nothing else waits', async (t) => {
    const { counts, counted } = counting(secp256k1);
    const { pool } = testPool(t, { threads: 1, curve: counted });
    const [first, ...others] = signedMessages(200);
    assert(first);
    const asked = [pool.recover(first.message, first.signature)];
    assert.equal(counts.recover, 1, 'the first was alone');
    for (const { message, signature } of others) asked.push(pool.recover(message, signature));
    assert.equal(counts.recover, 1, 'the others go to a thread');
    await Promise.all(asked);
    assert.equal(counts.recover, 1);
    await round();
    await pool.sign(utf8('a receipt'));
    assert.deepEqual(counts, { recover: 1, sign: 1 });
  });

  test('does nothing that noble takes milliseconds for while there is a thread', async (t) => {
    const { counts, counted } = counting({ ...nobleSecp256k1 });
    const { pool } = testPool(t, { threads: 1, curve: counted });
    await pool.sign(utf8('a receipt'));
    assert.equal(counts.sign, 0);
  });

  test('without threads never does more than a slice before everything else has its turn', async (t) => {
    const { counts, counted } = counting(secp256k1);
    const { pool } = testPool(t, { threads: 0, curve: counted });
    const asked = signedMessages(100).map(({ message, signature }) => pool.recover(message, signature));
    let rounds = 0;
    for (let before = counts.recover; counts.recover < 100; before = counts.recover) {
      await round();
      rounds++;
      assert.ok(counts.recover - before <= 4, `${counts.recover - before} in one round`);
    }
    assert.ok(rounds >= 25);
    await Promise.all(asked);
  });
});
