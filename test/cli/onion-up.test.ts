import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startChild } from '../../cli/servers/child.js';
import { findServer } from '../../cli/servers/find.js';
import { freePorts } from '../../cli/servers/ports.js';
import { RegtestChain } from '../../cli/servers/regtest-chain.js';
import { argus, MAIN } from '../support/argus.js';
import { startTestBitcoind } from '../support/bitcoind.js';
import { diagnose, linesOf } from '../support/doctor-command.js';
import { tempDir } from '../support/temp-dir.js';
import { NO_TOR, startTestTor } from '../support/tor.js';
import { until } from '../support/until.js';

describe('argus up --tor', { skip: NO_TOR }, () => {
  test('shows the address, the same after a restart, and works while tor is away', async (t) => {
    const [tor, bitcoind] = await Promise.all([startTestTor(t), startTestBitcoind(t)]);
    await new RegtestChain(bitcoind.rpc).mine(1);
    const folder = tempDir(t);
    const [nats = 0, http = 0] = await freePorts(2);
    const where = ['--network', 'regtest', '--data', join(folder, 'data'), '--nats-port', String(nats)];
    const ofNode = ['--http', `127.0.0.1:${http}`, '--web', 'off', '--bitcoind', bitcoind.rpcUrl];
    const args = [...where, ...ofNode, '--bitcoind-cookie', bitcoind.cookieFile, '--tor', tor.control];
    const env = { NATS_SERVER: findServer('nats-server') };
    const up = async (name: string) => {
      const logFile = join(folder, name);
      const child = await startChild({
        program: process.execPath,
        args: [MAIN, 'up', ...args],
        logFile,
        env,
        graceMs: 30_000,
      });
      t.after(() => child.stop());
      await until('it is up', () => readFileSync(logFile, 'utf8').includes(' is up.'));
      return { child, said: () => readFileSync(logFile, 'utf8') };
    };
    const shown = (said: string) =>
      new RegExp(`http://([a-z2-7]{56}\\.onion):${http} .*registertower 0[23].*@\\1:${http}\n`).exec(said)?.[1];

    assert.deepEqual(
      linesOf(await diagnose(args, { env }), 'tor')
        .slice(0, 1)
        .map((line) => line.replace(/0\.\d\S+/, 'V')),
      [`ok tor: tor V at ${tor.control} lets this node in`],
    );
    const first = await up('first.log');
    const host = shown(first.said());
    assert.ok(host, first.said());
    assert.deepEqual(await first.child.stop(), { code: 0, signal: null });

    await tor.stop();
    const [away] = linesOf(await diagnose(args, { env }), 'tor');
    assert.match(away ?? '', /^problem tor: no tor answers at .* -> start tor, with ControlPort 9051/);
    const second = await up('second.log');
    assert.match(second.said(), /no onion service yet/);
    await tor.start();
    await until('it has its address', () => second.said().includes(`"onion":"${host}"`));
  });

  test('wants an HTTP address that it can lead to', async () => {
    const { status, stderr } = await argus(['up', '--tor', '--http', 'off']);
    assert.deepEqual(
      [status, stderr],
      [2, 'argus: tor: an onion service needs an HTTP address to lead to: http.listen\n'],
    );
  });
});
