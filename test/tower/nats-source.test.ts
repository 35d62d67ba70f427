import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headers } from 'nats';
import pino from 'pino';
import { AuthCallout } from '../../actors/auth-callout/auth-callout.js';
import { issuerOf } from '../../actors/auth-callout/issuer.js';
import { publicSubjects } from '../../actors/wire.js';
import { startTestNats } from '../support/nats.js';

/** What the server says of where a request comes from, with our `nats.conf`: the limits by source rest on it. */
test('the server tells the tower where a client is, and no client can say otherwise', async (t) => {
  const nats = await startTestNats(t);
  const tower = await nats.connect('node');
  const heard: (string[] | undefined)[] = [];
  tower.subscribe('argus.v1.*', {
    callback: (_, message) => {
      heard.push(message.headers?.values('Nats-Request-Info'));
      message.respond('');
    },
  });
  new AuthCallout(tower, { issuer: issuerOf(nats.nodeSeed), log: pino({ level: 'silent' }) }).open();
  await tower.flush();
  const client = await nats.connect('public');
  const forged = headers();
  forged.set('Nats-Request-Info', '{"acc":"PUBLIC","host":"192.0.2.99"}');
  forged.append('Nats-Request-Info', '{"acc":"TOWER","host":"192.0.2.98"}');
  const otherwise = headers();
  otherwise.set('nats-request-info', '{"acc":"PUBLIC","host":"192.0.2.99"}');
  await client.request(publicSubjects.register, '{}');
  await client.request(publicSubjects.register, '{}', { timeout: 1_000, headers: forged });
  await client.request(publicSubjects.register, '{}', { timeout: 1_000, headers: otherwise });
  for (const values of heard) {
    const [info = ''] = values ?? [];
    assert.equal(JSON.parse(info).host, '127.0.0.1');
  }
});
