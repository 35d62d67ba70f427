import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../actors/config.js';
import { clientsServers, natsServers, natsTrust } from '../../actors/config-nats.js';

const nats = (flags: Record<string, string>) => readConfig({ env: { ARGUS_DATA: '/nowhere' }, flags }).nats;
const tls = { 'nats.cert_file': '/cert', 'nats.key_file': '/key' };

test('a node and its commands go to the servers they are told, else to the node’s own', () => {
  const servers = (flags: Record<string, string>) => natsServers(nats(flags));
  assert.equal(servers({}), 'nats://127.0.0.1:4222');
  assert.equal(servers({ 'nats.url': 'tls://a:1,tls://b:2', ...tls }), 'tls://a:1,tls://b:2');
  assert.equal(servers({ 'nats.host': '0.0.0.0', 'nats.port': '4333', ...tls }), 'tls://127.0.0.1:4333');
  assert.equal(servers({ 'nats.host': '::' }), 'nats://[::1]:4222');
  assert.equal(servers({ 'nats.host': '10.0.0.1' }), 'nats://10.0.0.1:4222');
});

test('the node’s own server is known by its certificate, others by who certified them', () => {
  assert.equal(natsTrust(nats({})), undefined);
  assert.deepEqual(natsTrust(nats(tls)), { caFile: '/cert', isOwn: true });
  const url = { 'nats.url': 'tls://a:1' };
  assert.equal(natsTrust(nats({ ...url, ...tls })), undefined);
  assert.deepEqual(natsTrust(nats({ ...url, 'nats.ca_file': '/ca' })), { caFile: '/ca', isOwn: false });
});

test('clients come to the servers with the log, unless others are told of or are to be started', () => {
  const clients = (flags: Record<string, string>) => clientsServers(nats(flags));
  assert.deepEqual(clients({}), { servers: 'nats://127.0.0.1:4222', trust: undefined });
  assert.deepEqual(clients({ 'nats.clients_listen': '0.0.0.0:4333' }), {
    servers: 'nats://127.0.0.1:4333',
    trust: undefined,
  });
  assert.deepEqual(clients({ 'nats.clients_listen': '[::]:4333', ...tls }), {
    servers: 'tls://[::1]:4333',
    trust: { caFile: '/cert', isOwn: true },
  });
  const others = { 'nats.url': 'nats://a:1', 'nats.clients_url': 'tls://b:2,tls://c:3' };
  assert.deepEqual(clients(others), { servers: 'tls://b:2,tls://c:3', trust: undefined });
  assert.deepEqual(clients({ ...others, 'nats.ca_file': '/ca' }).trust, { caFile: '/ca', isOwn: false });
  for (const name of ['nats.url', 'nats.clients_url'])
    assert.throws(
      () => nats({ 'nats.clients_listen': '0.0.0.0:4333', [name]: 'nats://a:1' }),
      /^Error: nats: clients_listen is for a node that starts its own servers/,
    );
});

test('a websocket that others can reach has TLS', () => {
  for (const host of ['127.0.0.1', '[::1]', 'localhost'])
    assert.ok(nats({ 'nats.websocket': `${host}:8080` }).websocket);
  assert.ok(nats({ 'nats.websocket': '0.0.0.0:443', ...tls }).websocket);
  assert.throws(
    () => nats({ 'nats.websocket': '0.0.0.0:8080' }),
    /^Error: nats: a websocket needs cert_file and key_file/,
  );
  assert.throws(() => nats({ 'nats.cert_file': '/cert' }), /^Error: nats: TLS needs both cert_file and key_file/);
  assert.throws(() => nats({ 'nats.host': 'a b' }), /nats\.host: must be like 127\.0\.0\.1/);
});
