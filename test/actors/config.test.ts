import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readConfig } from '../../actors/config.js';
import { read, refusal } from '../support/config-texts.js';
import { tempDir } from '../support/temp-dir.js';

describe('the configuration', () => {
  test('has a default for everything', (t) => {
    const { node, ...config } = read(t);
    assert.match(node, /^\S+$/);
    const data = join(homedir(), '.argus', 'mainnet');
    assert.deepEqual(config, {
      network: 'mainnet',
      data,
      logLevel: 'info',
      locatorCacheSize: 6,
      signatureThreads: Math.max(1, Math.min(4, availableParallelism() - 1)),
      key: { passphraseFile: undefined },
      nats: {
        url: undefined,
        nodeNkeyFile: join(data, 'nats', 'node.nkey'),
        operatorNkeyFile: join(data, 'nats', 'operator.nkey'),
        auditorNkeyFile: join(data, 'nats', 'auditor.nkey'),
        caFile: undefined,
        host: '127.0.0.1',
        port: 4222,
        tls: undefined,
        websocket: undefined,
        clientsUrl: undefined,
        clientsListen: undefined,
      },
      http: {
        listen: [{ host: '127.0.0.1', port: 9814 }],
        tls: undefined,
        maxConnections: 1000,
        maxConnectionsPerSource: 250,
        trustedProxies: [],
      },
      tor: undefined,
      metrics: { listen: undefined },
      web: { listen: { host: '127.0.0.1', port: 9816 } },
      log: { serve: 'all' },
      snapshots: { every: 100_000 },
      bitcoind: {
        url: 'http://127.0.0.1:8332',
        auth: { cookieFile: join(homedir(), '.bitcoin', '.cookie') },
        zmqHashblock: undefined,
        zmqSequence: undefined,
        pollSeconds: 10,
        timeoutMs: 30_000,
      },
      subscription: { slots: 10_000, duration: 4320, grace: 6 },
      registration: { policy: 'open' },
      limits: {
        maxAppointments: 1_000_000,
        maxBlobBytes: 65_536,
        minToSelfDelay: 20,
        maxUsers: 100_000,
        maxSlotsPerUser: 0xffffffff,
        registrationsPerMinute: 60,
        userRequestsPerSecond: 100,
        sourceRequestsPerSecond: 500,
      },
    });
  });

  test('takes from each network what is its own', (t) => {
    const of = (network: string) => read(t, `network = "${network}"`);
    assert.equal(of('regtest').bitcoind.url, 'http://127.0.0.1:18443');
    assert.deepEqual(of('testnet').bitcoind.auth, { cookieFile: join(homedir(), '.bitcoin', 'testnet3', '.cookie') });
    assert.equal(of('signet').data, join(homedir(), '.argus', 'signet'));
  });

  test('is of the flag, else of the environment, else of the file', (t) => {
    const text = '[subscription]\nslots = 1\nduration = 1\ngrace = 1\n[log]\nshards = 4';
    const env = { ARGUS_SUBSCRIPTION_DURATION: '2', ARGUS_SUBSCRIPTION_GRACE: '2' };
    const config = read(t, text, env, { 'subscription.grace': '3' });
    assert.deepEqual(config.subscription, { slots: 1, duration: 2, grace: 3 });
    assert.equal(config.log.shards, 4);
  });

  test('may name several NATS servers', (t) => {
    const nats = 'nats://10.0.0.1:4222,tls://tower.example:4222';
    assert.equal(read(t, `[nats]\nurl = "${nats}"`).nats.url, nats);
    assert.throws(() => read(t, `[nats]\nurl = "${nats},"`), /nats\.url: must be like nats:/);
  });

  test('has an environment variable for every setting', (t) => {
    const config = read(t, '', {
      ARGUS_NETWORK: 'regtest',
      ARGUS_DATA: '/data',
      ARGUS_NODE: 'two',
      ARGUS_LOG_LEVEL: 'debug',
      ARGUS_LOCATOR_CACHE_SIZE: '7',
      ARGUS_SIGNATURE_THREADS: '3',
      ARGUS_KEY_PASSPHRASE_FILE: '/passphrase',
      ARGUS_NATS_URL: 'nats://nats:4222,nats://other:4222',
      ARGUS_NATS_NKEY_FILE: '/nkey',
      ARGUS_NATS_CA_FILE: '/ca',
      ARGUS_NATS_HOST: '10.0.0.1',
      ARGUS_NATS_PORT: '4333',
      ARGUS_NATS_CERT_FILE: '/nats-cert',
      ARGUS_NATS_KEY_FILE: '/nats-key',
      ARGUS_NATS_WEBSOCKET: '10.0.0.1:443',
      ARGUS_NATS_CLIENTS_URL: 'nats://clients:4333',
      ARGUS_HTTP_LISTEN: '[::1]:1',
      ARGUS_HTTP_PYTHON_LISTEN: '0.0.0.0:2',
      ARGUS_HTTP_RUST_LISTEN: 'tower.example:3',
      ARGUS_HTTP_CERT_FILE: '/cert',
      ARGUS_HTTP_KEY_FILE: '/key',
      ARGUS_HTTP_MAX_CONNECTIONS: '4',
      ARGUS_METRICS_LISTEN: '127.0.0.1:9815',
      ARGUS_WEB_LISTEN: '[::1]:9000',
      ARGUS_LOG_SHARDS: '2',
      ARGUS_LOG_REPLICAS: '3',
      ARGUS_SNAPSHOTS_EVERY: '9',
      ARGUS_LOG_SERVE: '0-1',
      ARGUS_BITCOIND_URL: 'http://bitcoind:1',
      ARGUS_BITCOIND_USER: 'user',
      ARGUS_BITCOIND_PASSWORD: 'a word with = and #',
      ARGUS_BITCOIND_ZMQ_HASHBLOCK: 'tcp://bitcoind:2',
      ARGUS_BITCOIND_ZMQ_SEQUENCE: 'tcp://bitcoind:3',
      ARGUS_BITCOIND_POLL_SECONDS: '1',
      ARGUS_BITCOIND_TIMEOUT_SECONDS: '2',
      ARGUS_SUBSCRIPTION_SLOTS: '10',
      ARGUS_LIMITS_MAX_APPOINTMENTS: '11',
      ARGUS_LIMITS_MAX_BLOB_BYTES: '12000',
      ARGUS_LIMITS_MIN_TO_SELF_DELAY: '13',
      ARGUS_HTTP_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      ARGUS_REGISTRATION_POLICY: 'invite',
      ARGUS_LIMITS_MAX_USERS: '14',
      ARGUS_LIMITS_MAX_SLOTS_PER_USER: '15',
      ARGUS_LIMITS_REGISTRATIONS_PER_MINUTE: '16',
      ARGUS_LIMITS_USER_REQUESTS_PER_SECOND: '17',
      ARGUS_LIMITS_SOURCE_REQUESTS_PER_SECOND: '0',
    });
    assert.deepEqual(config, {
      network: 'regtest',
      data: '/data',
      node: 'two',
      logLevel: 'debug',
      locatorCacheSize: 7,
      signatureThreads: 3,
      key: { passphraseFile: '/passphrase' },
      nats: {
        url: 'nats://nats:4222,nats://other:4222',
        nodeNkeyFile: '/nkey',
        operatorNkeyFile: '/nkey',
        auditorNkeyFile: '/nkey',
        caFile: '/ca',
        host: '10.0.0.1',
        port: 4333,
        tls: { certFile: '/nats-cert', keyFile: '/nats-key' },
        websocket: { host: '10.0.0.1', port: 443 },
        clientsUrl: 'nats://clients:4333',
        clientsListen: undefined,
      },
      http: {
        listen: [
          { host: '::1', port: 1 },
          { host: '0.0.0.0', port: 2, dialect: 'python' },
          { host: 'tower.example', port: 3, dialect: 'rust' },
        ],
        tls: { certFile: '/cert', keyFile: '/key' },
        maxConnections: 4,
        trustedProxies: ['10.0.0.0/8', '::1'],
        maxConnectionsPerSource: 1,
      },
      tor: undefined,
      metrics: { listen: { host: '127.0.0.1', port: 9815 } },
      web: { listen: { host: '::1', port: 9000 } },
      log: { shards: 2, replicas: 3, serve: [{ from: 0, to: 1 }] },
      snapshots: { every: 9 },
      bitcoind: {
        url: 'http://bitcoind:1',
        auth: { user: 'user', password: 'a word with = and #' },
        zmqHashblock: 'tcp://bitcoind:2',
        zmqSequence: 'tcp://bitcoind:3',
        pollSeconds: 1,
        timeoutMs: 2_000,
      },
      subscription: { slots: 10, duration: 4320, grace: 6 },
      registration: { policy: 'invite' },
      limits: {
        maxAppointments: 11,
        maxBlobBytes: 12_000,
        minToSelfDelay: 13,
        maxUsers: 14,
        maxSlotsPerUser: 15,
        registrationsPerMinute: 16,
        userRequestsPerSecond: 17,
        sourceRequestsPerSecond: 0,
      },
    });
  });

  test('may have no HTTP door, and refuses an address that is none and half a certificate', (t) => {
    assert.deepEqual(read(t, '[http]\nlisten = "off"').http.listen, []);
    for (const wrong of ['9814', 'localhost', '127.0.0.1:70000', '::1:9814', 'http://127.0.0.1:9814', ''])
      assert.match(refusal(t, `[http]\nlisten = "${wrong}"`), /^FILE: http\.listen: .*must be like 127\.0\.0\.1:9814/);
    assert.equal(refusal(t, '[http]\ncert_file = "a"'), 'http: TLS needs both cert_file and key_file');
  });

  test("leaves alone what is another program's: other variables, and those of nats.conf and of the tests", (t) => {
    const env = {
      HOME: '/',
      ARGUS_NATS_STORE: '/store',
      ARGUS_NODE_NKEY: 'U1',
      ARGUS_OPERATOR_NKEY: 'U2',
      ARGUS_AUDITOR_NKEY: 'U3',
      ARGUS_ISSUER_NKEY: 'A4',
    };
    assert.deepEqual(read(t, '', env), read(t));
    assert.deepEqual(read(t, '', { ARGUS_PASSPHRASE: 'of argus key' }), read(t));
    const others = {
      ARGUS_TOWER: 'of argus client',
      ARGUS_NATS_ROUTES: 'of a server',
      ARGUS_ALERT_TEXT: 'of argus alert',
    };
    assert.deepEqual(read(t, '', others), read(t));
    assert.match(refusal(t, 'passphrase = "of argus key"'), /^FILE: there is no setting passphrase$/);
    assert.deepEqual(read(t, '', { ARGUS_NODE: undefined }, { node: undefined }), read(t));
  });

  test('is read from the data folder, wherever that is said to be, if no file is named', (t) => {
    const data = tempDir(t);
    assert.equal(readConfig({ env: {}, flags: { data } }).locatorCacheSize, 6, 'none is there');
    writeFileSync(join(data, 'argus.toml'), 'locator_cache_size = 9');
    assert.equal(readConfig({ env: {}, flags: { data } }).locatorCacheSize, 9);
    assert.equal(readConfig({ env: { ARGUS_DATA: data }, flags: {} }).locatorCacheSize, 9);
    const other = tempDir(t);
    assert.equal(readConfig({ env: { ARGUS_DATA: data }, flags: { data: other } }).locatorCacheSize, 6);
  });

  test('signs in to bitcoind by cookie, or by user and password', (t) => {
    const auth = (lines: string) => read(t, `[bitcoind]\n${lines}`).bitcoind.auth;
    assert.deepEqual(auth('cookie_file = "/c"'), { cookieFile: '/c' });
    assert.deepEqual(auth('user = "u"\npassword = "p"'), { user: 'u', password: 'p' });
    const line = 'bitcoind: give either cookie_file, or both user and password';
    for (const lines of ['user = "u"', 'password = "p"', 'cookie_file = "/c"\nuser = "u"\npassword = "p"'])
      assert.equal(refusal(t, `[bitcoind]\n${lines}`), line);
  });
});
