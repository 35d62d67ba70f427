import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { readConfig } from '../../../actors/config.js';
import { findServer } from '../../../cli/servers/find.js';
import { freePorts } from '../../../cli/servers/ports.js';
import { RegtestChain } from '../../../cli/servers/regtest-chain.js';
import { argus } from '../../support/argus.js';
import { startTestBitcoind } from '../../support/bitcoind.js';
import { tempDir } from '../../support/temp-dir.js';
import { argusAtTerminal, HAS_TERMINAL } from '../../support/terminal.js';

/** A home in which bitcoin-cli would find this bitcoind. */
async function homeWithBitcoind(t: Parameters<typeof startTestBitcoind>[0]) {
  const bitcoind = await startTestBitcoind(t);
  await new RegtestChain(bitcoind.rpc).mine(1); // else its chain is a day old
  const home = tempDir(t);
  mkdirSync(join(home, '.bitcoin'));
  const conf = `regtest=1\n# a comment\n[regtest]\nrpcport=${bitcoind.ports.rpc}\nrpccookiefile=${bitcoind.cookieFile}\n`;
  writeFileSync(join(home, '.bitcoin', 'bitcoin.conf'), conf);
  const [port = 0, http = 0] = await freePorts(2);
  const env = { HOME: home, NATS_SERVER: findServer('nats-server'), ARGUS_NATS_PORT: String(port) };
  return { bitcoind, home, env, http, file: join(home, '.argus', 'regtest', 'argus.toml') };
}

const read = (file: string) => readConfig({ file, env: {}, flags: {} });

describe('argus init at a terminal', {
  skip: !HAS_TERMINAL && 'no script of util-linux, which makes a terminal',
}, () => {
  test('finds bitcoind as bitcoin-cli does, asks it, and writes what was answered', async (t) => {
    const { bitcoind, env, file, home, http: port } = await homeWithBitcoind(t);
    const at = argusAtTerminal(t, ['init'], env);
    await at.answer(/Network: .* \[regtest\]: /, 'mars');
    await at.answer(/network: .*"mainnet"[\s\S]*Network: /, '');
    await at.answer(/RPC \[http:\/\/127\.0\.0\.1:\d+\]: /, '');
    await at.answer(/cookie file, .* \[.+\.cookie\]: /, join(home, 'none'));
    await at.answer(/PROBLEM {2}[\s\S]*Other answers .*\[yes\]: /, '');
    await at.answer(/RPC \[http/, '');
    await at.answer(/cookie file/, '-');
    await at.answer(/Its user: /, 'me');
    await at.answer(/Its password: /, 'hush-hush');
    await at.answer(/does not take the credentials[\s\S]*Other answers/, '');
    await at.answer(/RPC \[http/, '');
    await at.answer(/cookie file/, '');
    await at.answer(
      /ok {2}bitcoind at .* on regtest[\s\S]*publishes sequence[\s\S]*Who may register.*\[open\]/,
      'invite',
    );
    await at.answer(/Where clients come in/, `0.0.0.0:${port}`);
    await at.answer(/onion service/, '127.0.0.1:1');
    await at.answer(/PROBLEM {2}no tor answers at 127\.0\.0\.1:1[\s\S]*NATS servers/, '');
    assert.equal(await at.ended, 0, at.shown());
    assert.doesNotMatch(at.shown(), /hush/);
    assert.match(
      at.shown(),
      /tower id {2}0[23][\s\S]*Next:[\s\S]*argus doctor --network regtest[\s\S]*argus invite create/,
    );
    const { network, bitcoind: found, registration, http, tor } = read(file);
    assert.deepEqual(tor?.control, { host: '127.0.0.1', port: 1 });
    assert.deepEqual([network, registration.policy, http.listen], ['regtest', 'invite', [{ host: '0.0.0.0', port }]]);
    assert.deepEqual(
      [found.url, found.auth, found.zmqHashblock, found.zmqSequence],
      [bitcoind.rpcUrl, { cookieFile: bitcoind.cookieFile }, bitcoind.zmqUrl, bitcoind.zmqUrl],
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);

    const before = readFileSync(file, 'utf8');
    const again = argusAtTerminal(t, ['init', '--network', 'regtest'], env);
    assert.equal(await again.ended, 0, again.shown());
    assert.match(again.shown(), /CHAIN +before[\s\S]*as they were/);
    assert.equal(readFileSync(file, 'utf8'), before);
  });

  test('asks for another port where one is taken, and for other servers where those are no addresses', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const { port: taken } = z.object({ port: z.number() }).parse(server.address());
    const { env, file } = await homeWithBitcoind(t);
    const [http = 0, nats = 0] = await freePorts(2);
    const at = argusAtTerminal(t, ['init'], { HOME: env.HOME, NATS_SERVER: env.NATS_SERVER });
    await at.answer(/Network/, '');
    await at.answer(/RPC/, '');
    await at.answer(/cookie file/, '');
    await at.answer(/Who may register/, '');
    await at.answer(/Where clients come in/, `127.0.0.1:${taken}`);
    await at.answer(/PROBLEM {2}another program listens at 127[\s\S]*Where clients come in/, `127.0.0.1:${http}`);
    await at.answer(/onion service/, '');
    await at.answer(/NATS servers/, 'nats://[');
    await at.answer(/nats\.url: must be like[\s\S]*NATS servers/, `nats://127.0.0.1:${nats}`);
    assert.equal(await at.ended, 1);
    assert.match(at.shown(), /there is no .*node\.nkey/);
    const { http: door, nats: found } = read(file);
    assert.deepEqual([door.listen[0]?.port, found.url], [http, `nats://127.0.0.1:${nats}`]);
  });

  test('writes nothing when it is broken off', async (t) => {
    const home = tempDir(t);
    const at = argusAtTerminal(t, ['init'], { HOME: home });
    await at.answer(/Network: .* \[mainnet\]: /, '');
    await at.answer(/RPC \[http:\/\/127\.0\.0\.1:8332\]: /, '\x03');
    assert.equal(await at.ended, 1);
    assert.match(at.shown(), /argus: broken off: nothing was written/);
    assert.deepEqual(readdirSync(home), []);
  });
});

describe('argus init --yes', () => {
  test('takes flags and what is usual, keeps what is there, and puts it aside by force', async (t) => {
    const { bitcoind, env, file, home, http: port } = await homeWithBitcoind(t);
    const flags = ['--yes', '--policy', 'allow', '--http', `127.0.0.1:${port}`, '--json'];
    const first = await argus(['init', ...flags], { env });
    assert.deepEqual([first.status, first.stderr], [0, '']);
    assert.equal(JSON.parse(first.stdout).settings, file);
    const { bitcoind: found, registration, http, nats } = read(file);
    assert.deepEqual([found.url, found.zmqSequence, registration.policy], [bitcoind.rpcUrl, bitcoind.zmqUrl, 'allow']);
    assert.equal(http.listen[0]?.port, port);
    assert.equal(nats.port, 4222, 'what the environment says is not written');

    const before = readFileSync(file, 'utf8');
    const refused = await argus(['init', '--yes'], { env });
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
    assert.match(refused.stderr, /argus\.toml is there already: --force/);
    assert.equal(readFileSync(file, 'utf8'), before);

    const forced = await argus(['init', '--yes', '--force', '--http', 'off'], { env });
    assert.deepEqual([forced.status, forced.stderr], [0, '']);
    assert.match(forced.stdout, /The settings before these are in .*argus\.toml\.2/);
    assert.equal(read(file).registration.policy, 'open');
    const aside = readdirSync(join(home, '.argus', 'regtest')).filter((name) => name.startsWith('argus.toml.'));
    assert.equal(readFileSync(join(home, '.argus', 'regtest', aside[0] ?? ''), 'utf8'), before);
  });

  test('says what is wrong, and writes nothing where a value cannot be used', async (t) => {
    const env = { HOME: tempDir(t) };
    const wrong = await argus(['init', '--yes', '--policy', 'nobody'], { env });
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /registration\.policy/);
    assert.equal(existsSync(join(env.HOME, '.argus')), false);
  });
});
