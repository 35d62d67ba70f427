import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { fromHex } from '../../events/bytes.js';
import type { Chance } from '../model/chance.js';
import type { Cleanup } from '../support/temp-dir.js';
import { isInMempool, startTestTower, untilLevel } from '../support/tower.js';
import { until } from '../support/until.js';
import { verified } from '../support/verified.js';
import { mutated, noise } from './bytes.js';
import { chanceOf, inProportion, oneOf, SEED } from './settings.js';

/** What stands for a value that was in an answer. */
const WRONG = [
  'null',
  '""',
  '"zz"',
  '-1',
  '1e999',
  '1.5',
  '[]',
  '{}',
  '[[[[]]]]',
  `"${'f'.repeat(63)}"`,
  '9007199254740993',
  'true',
];

/** A proxy of a bitcoind that garbles answers while it is told to. */
async function startGarbler(t: Cleanup, rpcUrl: string, chance: Chance) {
  let isGarbling = false;
  let garbled = 0;
  const server = createServer((incoming, response) => {
    void (async () => {
      const body = await text(incoming);
      const headers = { authorization: incoming.headers.authorization ?? '', 'content-type': 'application/json' };
      const answer = await fetch(rpcUrl, { method: 'POST', body, headers });
      const said = await answer.text();
      if (!isGarbling || chance.oneIn(4)) return whole(response, answer.status, said);
      garbled++;
      oneOf(chance, GARBLED)({ response, status: answer.status, said, chance });
    })().catch(() => response.destroy());
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address);
  return {
    url: `http://127.0.0.1:${address.port}`,
    set: (now: boolean) => {
      isGarbling = now;
    },
    count: () => garbled,
  };
}

function whole(response: ServerResponse, status: number, said: string | Buffer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(said);
}

type Garbled = (answer: { response: ServerResponse; status: number; said: string; chance: Chance }) => void;

const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
const ERRORS = ['{}', '7', '{"code":"x"}', `{"code":-5.5,"message":"${'m'.repeat(100_000)}"}`];

/** What an answer can become. A lie that looks like the truth is not among it: nobody could tell. */
const GARBLED: readonly Garbled[] = [
  ({ response, status, said, chance }) => whole(response, status, said.slice(0, chance.below(said.length))),
  ({ response, status, chance }) => whole(response, status, noise(chance, 200)),
  ({ response, status }) => whole(response, status, `{"result":${DEEP},"error":null}`),
  ({ response, status, chance }) => whole(response, status, `{"result":${oneOf(chance, WRONG)},"error":null}`),
  ({ response, chance }) => whole(response, 500, `{"result":null,"error":${oneOf(chance, ERRORS)}}`),
  ({ response, chance }) => whole(response, oneOf(chance, [200, 204, 404, 500, 503]), ''),
  // It never ends.
  ({ response }) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = setInterval(() => response.write(' '.repeat(1_000)), 20);
    response.on('close', () => clearInterval(more));
  },
  // One value is of another kind.
  ({ response, status, said, chance }) => {
    const { index = 0, 0: found = '' } = oneOf(chance, Array.from(said.matchAll(/:("[^"]*"|\d+)/g)));
    whole(response, status, `${said.slice(0, index)}:${oneOf(chance, WRONG)}${said.slice(index + found.length)}`);
  },
  ({ response, status, said, chance }) => {
    const bytes = mutated(Buffer.from(said), chance);
    whole(response, status, isJson(bytes) ? '}' : bytes);
  },
];

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

test("answers that are not bitcoind's are waited out, and the breach of that time is answered", async (t) => {
  const chance = chanceOf(5);
  const tower = await startTestTower(t, {
    begin: false,
    settings: { 'bitcoind.timeout_seconds': '1', 'bitcoind.poll_seconds': '1' },
  });
  const garbler = await startGarbler(t, tower.bitcoind.rpcUrl, chance);
  const { cookieFile, zmqUrl } = tower.bitcoind;
  const node = await tower.startNode('one', { bitcoind: { rpcUrl: garbler.url, cookieFile, zmqUrl } });
  await untilLevel(() => node, tower.chain);
  const [channel] = await openChannels(tower.chain, 1);
  assert(channel);
  await untilLevel(() => node, tower.chain);
  const client = await tower.newClient('rust', { timeoutMs: 60_000 });
  await client.register();
  const breach = buildBreach(channel);
  await client.protect(breach.disputeTxid, fromHex(breach.penaltyTx), 144);

  garbler.set(true);
  await tower.chain.send(breach.disputeTx);
  await tower.chain.mine();
  const enough = inProportion(25);
  for (const end = Date.now() + 30_000; garbler.count() < enough && Date.now() < end; await sleep(100)) {
    if (chance.oneIn(10)) await tower.chain.mine();
    assert.deepEqual(tower.gaveUp, []);
  }
  t.diagnostic(`seed ${SEED}: ${garbler.count()} answers were garbled`);
  garbler.set(false);
  await tower.chain.mine();
  await untilLevel(() => node, tower.chain);
  await until('the penalty is sent', async () => {
    const [tip] = [await tower.bitcoind.rpc.call('gettxout', breach.penaltyTxid, 0)];
    return tip !== null || isInMempool(tower, breach.penaltyTxid);
  });
  assert.deepEqual(tower.gaveUp, []);
  assert.deepEqual(
    tower.said.filter(({ msg }) => msg.includes('rebuilding')),
    [],
  );
  assert.deepEqual((await verified(tower.nats, tower.key.towerId)).findings, []);
});
