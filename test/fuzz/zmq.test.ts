import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Publisher } from 'zeromq';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import { until } from '../support/until.js';
import { noise } from './bytes.js';
import { startFuzzedNode } from './fuzzed-node.js';
import { chanceOf, oneOf, REQUESTS } from './settings.js';

/** Messages in one turn of the event loop; ZMQ keeps a thousand for who does not listen at once. */
const AT_ONCE = 200;

test('garbage over ZMQ costs a node nothing, and a breach is answered after it', async (t) => {
  const publisher = new Publisher({ linger: 0 });
  t.after(() => publisher.close());
  await publisher.bind('tcp://127.0.0.1:*');
  const url = publisher.lastEndpoint ?? '';
  const node = await startFuzzedNode(t, {
    env: { ARGUS_BITCOIND_ZMQ_SEQUENCE: url, ARGUS_BITCOIND_POLL_SECONDS: '1' },
    zmqUrl: async () => url,
  });
  const chance = chanceOf(4);
  const tip = Buffer.from(await node.chain.tip(), 'hex');
  const counter = (n: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(n >>> 0);
    return bytes;
  };
  /** As bitcoind writes them, or almost. */
  const message = (n: number): Buffer[] => {
    if (chance.oneIn(5)) return Array.from({ length: 1 + chance.below(5) }, () => noise(chance, 100));
    if (chance.oneIn(2)) {
      const hash = chance.oneIn(3) ? tip : noise(chance, chance.oneIn(2) ? 32 : 64);
      return [Buffer.from('hashblock'), hash, counter(n)];
    }
    const body = Buffer.concat([
      noise(chance, 0),
      Buffer.alloc(32, chance.below(256)),
      Buffer.from(oneOf(chance, ['A', 'R', 'C', 'D', 'Z', ''])),
    ]);
    const sequence = chance.oneIn(9) ? noise(chance, 12) : Buffer.alloc(8, chance.oneIn(9) ? 255 : n % 256);
    return [Buffer.from('sequence'), Buffer.concat([body, sequence]), chance.oneIn(9) ? noise(chance, 6) : counter(n)];
  };
  let sent = 0;
  await node.endures(async (count) => {
    for (let n = 0; n < count; n++) {
      await publisher.send(message(sent++));
      if (n % AT_ONCE === 0) await turn();
    }
  }, REQUESTS);
  // What is far too long has the line cut; it is made anew.
  await publisher.send(['hashblock', Buffer.alloc(4_000_000)]);

  const [channel] = await openChannels(node.chain, 1);
  assert(channel);
  const breach = buildBreach(channel);
  const tipNow = async () => (await node.client.info()).height;
  await until('the node is level', async () => (await tipNow()) === (await node.chain.height()));
  await node.client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);
  await node.chain.send(breach.disputeTx);
  await node.chain.mine();
  await until('the penalty is sent', async () =>
    ((await node.bitcoind.rpc.call('getrawmempool')) as string[]).includes(breach.penaltyTxid),
  );
});
