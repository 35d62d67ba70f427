import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePorts } from '../../../cli/servers/ports.js';
import { makeAuthority, noCertificates } from '../../support/certificates.js';
import { diagnose, has, linesOf } from '../../support/doctor-command.js';
import { type Cleanup, tempDir } from '../../support/temp-dir.js';
import { startTestTower } from '../../support/tower.js';

/** Flags for a node without bitcoind and NATS server, whose lines are other tests' business. */
const where = (t: Cleanup) => [
  ...['--network', 'regtest', '--data', tempDir(t)],
  ...['--nats', 'nats://127.0.0.1:1', '--bitcoind', 'http://127.0.0.1:1'],
];
const about = (lines: readonly string[]) => ['http', 'metrics'].flatMap((area) => linesOf(lines, area));

test('argus doctor finds each door free, or held by a node, or in the way', async (t) => {
  const ports = await freePorts(3);
  const [http, metrics, taken] = ports.map((port) => `127.0.0.1:${port}`);
  assert(http && metrics && taken);
  const doors = (at: string, numbers: string) => ['--http', at, '--metrics', numbers];
  const free = about(await diagnose([...where(t), ...doors(http, metrics)]));
  assert.deepEqual(free, [`ok http: ${http} is free`, `ok metrics: ${metrics} is free`]);
  assert.deepEqual(about(await diagnose([...where(t), '--http', 'off'])), []);

  await startTestTower(t, { settings: { 'http.listen': http, 'metrics.listen': metrics } });
  const up = about(await diagnose([...where(t), ...doors(http, metrics)]));
  assert.deepEqual(up, [`ok http: a node answers at ${http}`, `ok metrics: a node answers at ${metrics}`]);

  const other = createServer((_, response) => void response.end('<html>')).listen(ports[2], '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const inTheWay = about(await diagnose([...where(t), ...doors(taken, taken), '--http-rust', '192.0.2.1:9814']));
  has(
    inTheWay,
    new RegExp(
      `^problem http: another program listens at ${taken} -> stop it, or http\\.listen = "\\.\\.\\." in argus\\.toml$`,
    ),
  );
  has(inTheWay, new RegExp(`^problem metrics: another program listens at ${taken} -> stop it, or metrics\\.listen`));
  has(inTheWay, /^problem http: nobody can listen at 192\.0\.2\.1:9814 \(EADDRNOTAVAIL\).* -> http\.rust_listen/);
});

test('argus doctor looks at the certificates of the doors', { skip: noCertificates }, async (t) => {
  const folder = tempDir(t);
  const { cert, key } = makeAuthority(folder)('tower'); // for two days
  const tls = (certFile: string, keyFile: string) => [
    '--http',
    '127.0.0.1:0',
    '--http-cert',
    certFile,
    '--http-key',
    keyFile,
  ];
  has(
    await diagnose([...where(t), ...tls(cert, key)]),
    /^warning http: the certificate in .*tower\.pem ends at .* -> renew it$/,
  );
  const other = makeAuthority(tempDir(t))('other');
  has(
    await diagnose([...where(t), ...tls(cert, other.key)]),
    /^problem http: TLS cannot be used: .* -> http\.cert_file and http\.key_file/,
  );
  has(
    await diagnose([...where(t), ...tls(join(folder, 'none.pem'), key)]),
    /^problem http: TLS cannot be used: ENOENT/,
  );
  const long = selfSigned(folder, 'long', ['-days', '60']);
  has(await diagnose([...where(t), ...tls(...long)]), /^ok http: the certificate in .*long\.pem is valid until /);
  const later = { NODE_OPTIONS: '--import=data:text/javascript,{const{now}=Date;Date.now=()=>now()+8e9}' };
  has(
    await diagnose([...where(t), ...tls(...long)], { env: later }),
    /^problem http: the certificate in .*long\.pem ended at .* -> renew it$/,
  );
});

function selfSigned(folder: string, name: string, days: readonly string[]): [cert: string, key: string] {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    ...ec,
    '-subj',
    '/CN=tower',
    ...days,
    '-keyout',
    key,
    '-out',
    cert,
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  return [cert, key];
}
