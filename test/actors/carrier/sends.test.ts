import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { BitcoindRefused, BitcoindUnreachable } from '../../../actors/bitcoind/rpc-errors.js';
import { Sends } from '../../../actors/carrier/sends.js';
import { buildBreach, openChannels } from '../../../cli/demo/channel.js';
import { RegtestChain } from '../../../cli/servers/regtest-chain.js';
import { startTestBitcoind } from '../../support/bitcoind.js';

/** What bitcoind gives for a transaction that it took. */
const TXID = 'ab'.repeat(32);

/** What bitcoind is asked, and answers when it is told to. */
function heldBack() {
  const requests: { count: number; answer: () => void; lose: () => void }[] = [];
  const ask = <T>(count: number, result: T) =>
    new Promise<T>((resolve, reject) => {
      const lose = () => reject(new BitcoindUnreachable('gone'));
      requests.push({ count, answer: () => resolve(result), lose });
    });
  const sends = new Sends({
    call: () => ask(1, TXID),
    callMany: (_, calls) => ask(calls.length, new Array<unknown>(calls.length).fill(TXID)),
  });
  return { sends, requests, counts: () => requests.map(({ count }) => count) };
}

describe('sending', () => {
  test('is one request for all that come in one turn, and another for whoever comes later', async () => {
    const { sends, requests, counts } = heldBack();
    const first = ['a', 'b', 'c'].map((tx) => sends.send(tx));
    await turn();
    const later = sends.send('d');
    await turn();
    assert.deepEqual(counts(), [3, 1]);
    requests[1]?.answer();
    assert.equal(await later, undefined, 'it does not wait for the first');
    requests[0]?.answer();
    assert.deepEqual(await Promise.all(first), [undefined, undefined, undefined]);
  });

  test('of very many is several requests at once', async () => {
    const { sends, requests, counts } = heldBack();
    const all = Array.from({ length: 50 }, (_, i) => sends.send(`${i}`));
    await turn();
    assert.deepEqual(counts(), [20, 20, 10]);
    for (const { answer } of requests) answer();
    await Promise.all(all);
  });

  test('is idle when everything was answered, whatever the answer', async () => {
    const { sends, requests } = heldBack();
    await sends.idle();
    const sent = [sends.send('a'), sends.send('b')];
    let isIdle = false;
    const idle = sends.idle().then(() => (isIdle = true));
    await turn();
    assert.equal(isIdle, false);
    requests[0]?.lose();
    for (const { status } of await Promise.allSettled(sent)) assert.equal(status, 'rejected');
    await idle;
  });

  test('tells each its own answer', async (t) => {
    const bitcoind = await startTestBitcoind(t);
    const chain = new RegtestChain(bitcoind.rpc);
    const [one, other] = (await openChannels(chain, 2)).map((channel) => buildBreach(channel));
    assert.ok(one && other);
    const sends = new Sends(bitcoind.rpc);
    const sent = [one.disputeTx, 'no transaction', one.penaltyTx, other.penaltyTx].map((tx) => sends.send(tx));
    const codes = (await Promise.all(sent)).map((refusal) => refusal?.rpcCode);
    assert.deepEqual(codes, [undefined, -22, undefined, -25]);
    assert.ok((await sends.send('no transaction')) instanceof BitcoindRefused);
    await bitcoind.stop();
    await assert.rejects(sends.send(other.disputeTx), BitcoindUnreachable);
    await assert.rejects(Promise.all([sends.send('a'), sends.send('b')]), BitcoindUnreachable);
  });
});
