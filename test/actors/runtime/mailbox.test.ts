import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedMailbox, Mailbox } from '../../../actors/runtime/mailbox.js';

/** A diary of pieces of work, each of which takes some time and says when it begins and ends. */
function diary() {
  const lines: string[] = [];
  const work =
    (name: string, ms = 1) =>
    async () => {
      lines.push(`${name} begins`);
      await sleep(ms);
      lines.push(`${name} ends`);
      return name;
    };
  return { lines, work };
}

const fail = async () => {
  throw new Error('failed');
};
const failAtOnce = () => {
  throw new Error('failed at once');
};

describe('a mailbox', () => {
  test('does one piece after another, in the order in which they were sent', async () => {
    const { lines, work } = diary();
    const mailbox = new Mailbox();
    const answers = [mailbox.send(work('long', 20)), mailbox.send(work('short', 1)), mailbox.send(work('last', 0))];
    assert.deepEqual(await Promise.all(answers), ['long', 'short', 'last']);
    assert.deepEqual(lines, ['long begins', 'long ends', 'short begins', 'short ends', 'last begins', 'last ends']);
  });

  test('is not held up by what fails, of which its sender is told', async () => {
    const { lines, work } = diary();
    const mailbox = new Mailbox();
    const failed = assert.rejects(mailbox.send(fail), /failed/);
    const atOnce = assert.rejects(mailbox.send(failAtOnce), /failed at once/);
    assert.equal(await mailbox.send(work('next')), 'next');
    await Promise.all([failed, atOnce]);
    assert.deepEqual(lines, ['next begins', 'next ends']);
  });

  test('is idle when all that was sent is done, also what failed', async () => {
    const { lines, work } = diary();
    const mailbox = new Mailbox();
    await mailbox.idle();
    void mailbox.send(work('one', 5));
    const failed = assert.rejects(mailbox.send(fail));
    await mailbox.idle();
    assert.deepEqual(lines, ['one begins', 'one ends']);
    await failed;
  });

  test('takes what is sent by the work itself, after it', async () => {
    const { lines, work } = diary();
    const mailbox = new Mailbox();
    let inner: Promise<string> | undefined;
    await mailbox.send(async () => {
      inner = mailbox.send(work('inner'));
      lines.push('outer ends');
    });
    await inner;
    assert.deepEqual(lines, ['outer ends', 'inner begins', 'inner ends']);
  });
});

describe('a mailbox with keys', () => {
  test('keeps the order of each key, and lets no key wait for another', async () => {
    const { lines, work } = diary();
    const lanes = new KeyedMailbox<string>();
    await Promise.all([
      lanes.send('a', work('a1', 30)),
      lanes.send('a', work('a2')),
      lanes.send('b', work('b1')),
      lanes.send('b', work('b2')),
    ]);
    const of = (key: string) => lines.filter((line) => line.startsWith(key));
    assert.deepEqual(of('a'), ['a1 begins', 'a1 ends', 'a2 begins', 'a2 ends']);
    assert.deepEqual(of('b'), ['b1 begins', 'b1 ends', 'b2 begins', 'b2 ends']);
    assert.ok(lines.indexOf('b2 ends') < lines.indexOf('a1 ends'));
  });

  test('keeps what fails to its sender, and its key usable', async () => {
    const { work } = diary();
    const lanes = new KeyedMailbox<string>();
    const failures = [lanes.send('a', fail), lanes.send('a', failAtOnce)].map((sent) => assert.rejects(sent));
    assert.equal(await lanes.send('a', work('next')), 'next');
    assert.equal(await lanes.send('b', work('other')), 'other');
    await Promise.all(failures);
  });

  test('forgets a key that has nothing to do any more', async () => {
    const { work } = diary();
    const lanes = new KeyedMailbox<number>();
    const sent = [1, 2, 1].map((key) => lanes.send(key, work('work')));
    const failed = assert.rejects(lanes.send(3, fail));
    assert.equal(lanes.busy, 3);
    await Promise.all([...sent, failed]);
    assert.equal(lanes.busy, 0);
  });

  test('does not forget a key while something waits there', async () => {
    const { lines, work } = diary();
    const lanes = new KeyedMailbox<string>();
    const first = lanes.send('a', work('a1'));
    const second = lanes.send('a', work('a2', 10));
    await first; // `second` still waits there
    await Promise.all([second, lanes.send('a', work('a3')), lanes.send('a', work('a4'))]);
    assert.deepEqual(
      lines.filter((line) => line.endsWith('ends')),
      ['a1 ends', 'a2 ends', 'a3 ends', 'a4 ends'],
    );
  });

  test('is idle when every key is', async () => {
    const { lines, work } = diary();
    const lanes = new KeyedMailbox<string>();
    await lanes.idle();
    void lanes.send('a', work('a', 10));
    void lanes.send('b', work('b', 1));
    await lanes.idle();
    assert.equal(lines.length, 4);
  });
});
