import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { packageRoot } from '../../../actors/package-root.js';
import { findServer } from '../../../cli/servers/find.js';
import { freePorts } from '../../../cli/servers/ports.js';
import { argus } from '../../support/argus.js';
import { diagnose, has, linesOf } from '../../support/doctor-command.js';
import { startTestNats } from '../../support/nats.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';
import { whereaboutsOf } from '../../support/whereabouts.js';

const about = (lines: readonly string[]) =>
  ['nats', 'jetstream', 'log', 'clock'].flatMap((area) => linesOf(lines, area));
const faults = (lines: readonly string[]) => about(lines).filter((line) => !/^(ok|unknown) /.test(line));

/** Flags that have a server started with `nats.conf`, but for some of its text. */
function changed(t: Cleanup, ...changes: readonly (readonly [from: string, to: string])[]): string[] {
  let text = readFileSync(join(packageRoot, 'nats.conf'), 'utf8');
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), from);
    text = text.replace(from, to);
  }
  const file = join(tempDir(t), 'changed.conf');
  writeFileSync(file, text);
  return ['-c', file];
}

describe('argus doctor, of a NATS server', () => {
  test('that is as it should be, without a log, with one, and with one that is not', async (t) => {
    const nats = await startTestNats(t);
    const { where } = whereaboutsOf(t, nats);
    const empty = await diagnose(where);
    assert.deepEqual(faults(empty), []);
    has(empty, /^ok nats: nats-server 2\.\d+\.\d+ at nats:\S+ knows this node's key$/);
    has(empty, /^unknown nats: whether .* cannot be seen from here -> see that there is sync_interval: always/);
    has(empty, /^ok jetstream: JetStream holds 0 MB, without a limit/);
    has(empty, /^ok log: there is no log so far/);
    has(empty, /^ok clock: agrees with that of the NATS server$/);
    const jsm = await (await nats.connect('node')).jetstreamManager();
    assert.equal((await jsm.streams.names().next()).length, 0, 'nothing was made');

    assert.equal((await argus(['init', '--shards', '2', ...where])).status, 0);
    has(await diagnose(where), /^ok log: all 9 streams are there and as they should be: 2 shards, replicas 1$/);
    has(
      await diagnose([...where, '--shards', '3']),
      /^problem log: CHAIN: argus\.shards is 2, not 3 -> leave log\.shards/,
    );
    has(
      await diagnose([...where, '--network', 'signet']),
      /^problem log: CHAIN: argus\.network is regtest, not signet -> network = "regtest"/,
    );
    has(
      await diagnose([...where, '--replicas', '3']),
      /^problem log: CHAIN: num_replicas is 1, not 3 -> leave log\.replicas/,
    );
    has(
      await diagnose(whereaboutsOf(t, nats).where),
      /^problem log: the log is that of tower 0[23][0-9a-f]{64}, whose key this node has not got -> argus key import/,
    );
    const other = whereaboutsOf(t, nats).where;
    assert.equal((await argus(['init', ...other])).status, 1, "another tower's key is made");
    has(
      await diagnose(other),
      /^problem log: CHAIN: argus\.tower is 0[23][0-9a-f]{64}, not 0[23][0-9a-f]{64}.* -> argus key import/,
    );

    const { config } = await jsm.streams.info('BLOBS_1');
    await jsm.streams.update('BLOBS_1', { ...config, max_msgs: 5 });
    await jsm.streams.update('BLOBS_0', { ...(await jsm.streams.info('BLOBS_0')).config, max_age: 10 ** 12 });
    await jsm.streams.delete('TOWER_1');
    const broken = await diagnose(where);
    has(broken, /^warning log: BLOBS_1: max_msgs is 5, not -1 -> argus migrate$/);
    has(broken, /^problem log: BLOBS_0: max_age is 1000000000000, not 0 -> argus migrate$/);
    has(broken, /^problem log: TOWER_1 is missing, with all that it held -> restore the store/);

    await nats.stop();
    has(await diagnose(where), /^problem nats: nats:\S+ does not answer\. .* -> start it: env \$\(argus nkeys/);
  });

  test('that does not know the node, or whose node has no key', async (t) => {
    const nats = await startTestNats(t);
    const { where } = whereaboutsOf(t, { ...nats, nodeSeed: (await startTestNats(t)).nodeSeed });
    has(
      await diagnose(where),
      /^problem nats: nats:\S+ does not know the key in .*node\.nkey -> start that server with the ARGUS_NODE_NKEY/,
    );
    const none = ['--network', 'regtest', '--data', tempDir(t), '--nats', nats.url];
    has(await diagnose(none), /^problem keys: there is no .*node\.nkey: copy it/);
    const two = whereaboutsOf(t, { ...nats, url: `nats://127.0.0.1:1,${nats.url}` }).where;
    const lines = faults(await diagnose(two));
    assert.equal(lines.length, 1);
    has(lines, /^warning nats: nats:\/\/127\.0\.0\.1:1 does not answer/);
    const secret = whereaboutsOf(t, { ...nats, url: nats.url.replace('//', '//me:hidden@') }).where;
    assert.ok(!(await diagnose(secret)).join().includes('hidden'));
    has(
      await diagnose([...whereaboutsOf(t, nats).where.slice(0, -1), nats.url.replace('nats:', 'tls:')]),
      /^problem nats: tls:\S+ (has no TLS|is not taken).* -> nats\.url and nats\.ca_file/,
    );
  });

  test('that acknowledges what it has not on its disk, has little room, or has JetStream off', async (t) => {
    const lazy = await startTestNats(t, {
      extra: changed(
        t,
        ['sync_interval: always', 'sync_interval: "2m"'],
        ['max_payload: 1MB', 'max_payload: 256KB'],
        ['jetstream: enabled', 'jetstream: { max_file: 40MB, max_streams: 5 }'],
      ),
    });
    const lines = await diagnose(whereaboutsOf(t, lazy).where);
    has(lines, /^problem jetstream: the server takes messages of 262144 bytes at the most -> max_payload: 1MB/);
    has(
      lines,
      /^problem jetstream: JetStream has room for 4\d MB more .*: nothing is accepted when it is full -> a larger max_file/,
    );
    has(lines, /^problem jetstream: the tower's account may have 5 streams, and a log takes 7 -> max_streams: 7/);
    const off = await startTestNats(t, { extra: changed(t, ['jetstream: enabled', 'jetstream: disabled']) });
    has(
      await diagnose(whereaboutsOf(t, off).where),
      /^problem jetstream: JetStream does not answer .* -> jetstream \{ store_dir/,
    );
  });
});

describe("argus doctor, of a node's own NATS server", () => {
  test('that is not there, is in the way, runs, or is too old', async (t) => {
    const data = join(tempDir(t), 'data');
    const [port = 0] = await freePorts(1);
    const where = ['--network', 'regtest', '--data', data, '--nats-port', String(port)];
    const env = { NATS_SERVER: findServer('nats-server') };
    const free = await diagnose(where, { env });
    assert.deepEqual(faults(free), []);
    has(free, /^ok nats: the node's own nats-server is 2\./);
    has(free, new RegExp(`^ok nats: 127\\.0\\.0\\.1:${port} is free: the node starts its own nats-server there$`));
    has(free, /^unknown nats: the log is not looked at/);
    const stranger = await startTestNats(t);
    const taken = ['--network', 'regtest', '--data', data, '--nats-port', String(stranger.port)];
    has(
      await diagnose(taken, { env }),
      /^problem nats: another program listens at 127\.0\.0\.1:\d+ -> stop it, or nats\.port/,
    );
    assert.equal((await argus(['init', ...where], { env })).status, 0);
    has(
      await diagnose(taken, { env }),
      /^problem nats: something listens at 127\.0\.0\.1:\d+, and is not this node's nats-server.* -> stop it, or nats\.port/,
    );
    const old = join(tempDir(t), 'nats-server');
    writeFileSync(old, '#!/bin/sh\necho nats-server: v2.10.29\n', { mode: 0o755 });
    has(
      await diagnose(where, { env: { NATS_SERVER: old } }),
      /^problem nats: the node's own nats-server is 2\.10\.29 .*too old -> install nats-server 2\.12\.0/,
    );
    has(
      await diagnose(where, { env: { NATS_SERVER: `${old}-none` } }),
      /^problem nats: NATS_SERVER is ".*", which is not a program -> install/,
    );
  });
});
