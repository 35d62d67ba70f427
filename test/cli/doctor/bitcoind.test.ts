import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { RegtestChain } from '../../../cli/servers/regtest-chain.js';
import { startTestBitcoind } from '../../support/bitcoind.js';
import { diagnose, has, linesOf } from '../../support/doctor-command.js';
import { startRpcProxy } from '../../support/rpc-proxy.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';

/** Flags for a node without a NATS server, whose lines are other tests' business. */
const where = (t: Cleanup, network = 'regtest') => [
  '--network',
  network,
  '--data',
  tempDir(t),
  '--nats',
  'nats://127.0.0.1:1',
];
const about = (lines: readonly string[]) =>
  ['bitcoind', 'pruning', 'zmq', 'clock'].flatMap((area) => linesOf(lines, area));

describe('argus doctor, of a bitcoind', () => {
  test('that is as it should be, and of what is wrong with how it is told of it', async (t) => {
    const bitcoind = await startTestBitcoind(t);
    const { rpcUrl, cookieFile, zmqUrl } = bitcoind;
    const named = ['--bitcoind', rpcUrl, '--bitcoind-cookie', cookieFile];
    const heard = ['--zmq', zmqUrl, '--zmq-sequence', zmqUrl];
    has(
      await diagnose([...where(t), ...named, ...heard]),
      /^warning bitcoind: bitcoind is still loading the chain: block 0 of 0/,
    );

    await new RegtestChain(bitcoind.rpc).mine(1);
    const good = about(await diagnose([...where(t), ...named, ...heard]));
    assert.deepEqual(
      good.filter((line) => !line.startsWith('ok ')),
      [],
    );
    has(good, /^ok bitcoind: bitcoind at http:\/\/127\.0\.0\.1:\d+ is Satoshi:\S+ ?.*, on regtest, and knows us$/);
    has(good, /^ok bitcoind: its chain is at block \d+$/);
    has(good, /^ok pruning: /);
    has(good, /^ok zmq: bitcoind publishes hashblock at tcp/);
    has(good, /^ok zmq: bitcoind publishes sequence at tcp/);
    has(good, /^ok clock: agrees with that of bitcoind$/);

    const signet = about(await diagnose([...where(t, 'signet'), ...named]));
    assert.equal(signet.length, 1);
    has(
      signet,
      /^problem bitcoind: .* is on regtest, and the node is to be on signet -> network = "regtest" in argus\.toml, or bitcoind\.url of one on signet \(http:\/\/127\.0\.0\.1:38332\)$/,
    );

    const unheard = about(await diagnose([...where(t), ...named]));
    has(
      unheard,
      new RegExp(
        `^warning zmq: bitcoind\\.zmq_hashblock is not set: .*every 10 s.* -> bitcoind\\.zmq_hashblock = "${zmqUrl}" in argus\\.toml$`,
      ),
    );
    has(unheard, /^warning zmq: bitcoind\.zmq_sequence is not set: breaches are answered once they are mined/);

    const nowhere = about(
      await diagnose([
        ...where(t),
        ...named,
        '--zmq',
        'tcp://127.0.0.1:1',
        '--zmq-sequence',
        rpcUrl.replace('http', 'tcp'),
      ]),
    );
    has(
      nowhere,
      new RegExp(
        `^problem zmq: bitcoind publishes hashblock at ${zmqUrl}, and not at tcp://127\\.0\\.0\\.1:1 .*-> bitcoind\\.zmq_hashblock = "${zmqUrl}" in argus\\.toml$`,
      ),
    );
    has(nowhere, /^problem zmq: bitcoind publishes sequence at /);

    const cookie = join(tempDir(t), 'cookie');
    writeFileSync(cookie, '__cookie__:of another bitcoind');
    has(
      await diagnose([...where(t), '--bitcoind', rpcUrl, '--bitcoind-cookie', cookie]),
      /^problem bitcoind: bitcoind at .* does not take the credentials .*-> bitcoind\.cookie_file = /,
    );
    const user = ['--bitcoind', rpcUrl, '--bitcoind-user', 'me', '--bitcoind-password', 'secret word'];
    const refused = await diagnose([...where(t), ...user]);
    has(refused, /^problem bitcoind: .*does not take the credentials .*-> bitcoind\.user and bitcoind\.password/);
    assert.ok(!refused.join().includes('secret word'));
    has(
      await diagnose([...where(t), '--bitcoind', rpcUrl, '--bitcoind-cookie', `${cookie}.none`]),
      /^problem bitcoind: no bitcoind answers .*no cookie file .*-> start bitcoind with server=1/,
    );

    const proxy = await startRpcProxy(t, rpcUrl);
    proxy.set('warm-up');
    has(
      await diagnose([...where(t), '--bitcoind', proxy.url, '--bitcoind-cookie', cookieFile]),
      /^problem bitcoind: no bitcoind answers at .*Loading block index/,
    );

    const shifted = (ms: number) => ({
      NODE_OPTIONS: `--import=data:text/javascript,{const{now}=Date;Date.now=()=>now()+${ms}}`,
    });
    for (const [ms, line] of [
      [20_000, /^warning clock: the clock of bitcoind is \d+ s behind this one -> /],
      [-600_000, /^problem clock: the clock of bitcoind is \d+ s ahead of this one -> /],
    ] as const)
      has(await diagnose([...where(t), ...named], { env: shifted(ms) }), line);

    await bitcoind.stop();
    writeFileSync(cookieFile, '__cookie__:left by a killed one');
    has(
      await diagnose([...where(t), ...named]),
      /^problem bitcoind: no bitcoind answers at http:.* -> start bitcoind with server=1 in bitcoin\.conf, on regtest; or bitcoind\.url/,
    );
  });

  test('that is pruned', async (t) => {
    const off = ['-prune=550'];
    const bitcoind = await startTestBitcoind(t, { extraArgs: off });
    const named = ['--bitcoind', bitcoind.rpcUrl, '--bitcoind-cookie', bitcoind.cookieFile, '--zmq', bitcoind.zmqUrl];
    const lines = about(await diagnose([...where(t), ...named]));
    has(lines, /^warning pruning: bitcoind is pruned: blocks below 0 are gone\. .* -> /);
  });

  test('that has ZMQ off', async (t) => {
    const bitcoind = await startTestBitcoind(t, {
      extraArgs: ['-nozmqpubhashblock', '-nozmqpubsequence', '-nozmqpubhashtx'],
    });
    const named = ['--bitcoind', bitcoind.rpcUrl, '--bitcoind-cookie', bitcoind.cookieFile, '--zmq', bitcoind.zmqUrl];
    const lines = about(await diagnose([...where(t), ...named]));
    has(
      lines,
      new RegExp(
        `^problem zmq: bitcoind does not publish hashblock: .* -> zmqpubhashblock=${bitcoind.zmqUrl} in bitcoin\\.conf`,
      ),
    );
    has(
      lines,
      /^warning zmq: bitcoind\.zmq_sequence is not set: .* -> zmqpubsequence=tcp:\/\/127\.0\.0\.1:28332 in bitcoin\.conf/,
    );
  });

  test('whose user may not ask for everything', async (t) => {
    const bitcoind = await startTestBitcoind(t, {
      extraArgs: ['-rpcwhitelist=__cookie__:getblockchaininfo,getblockhash'],
    });
    const named = ['--bitcoind', bitcoind.rpcUrl, '--bitcoind-cookie', bitcoind.cookieFile];
    has(
      await diagnose([...where(t), ...named]),
      /^problem bitcoind: .* does not let this user ask all that the tower asks .* -> take the user's rpcwhitelist out/,
    );
  });
});
