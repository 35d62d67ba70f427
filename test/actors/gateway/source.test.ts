import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headers } from 'nats';
import { inviteInHost, parseProxies, sourceOf } from '../../../actors/gateway/http-source.js';
import { sourceOf as natsSourceOf } from '../../../actors/gateway/nats-source.js';

const nobody = parseProxies([]);

describe('where an HTTP request comes from', () => {
  for (const [peer, source] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::1', 'this machine'],
    ['127.3.2.1', 'this machine'],
    ['::ffff:127.0.0.1', 'this machine'],
    ['::2', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:ffff::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
    [undefined, 'this machine'],
  ] as const)
    test(`${peer}`, () => {
      const isShared = source === 'this machine';
      assert.deepEqual(sourceOf(peer, undefined, nobody), { name: source, isShared });
    });

  test('is the peer, whatever it says of others, unless it is a proxy that is trusted', () => {
    assert.equal(sourceOf('192.0.2.1', '198.51.100.7', nobody).name, '192.0.2.1');
    const proxies = parseProxies(['192.0.2.1', '10.0.0.0/8', 'fd00::/8']);
    const of = (peer: string, forwarded: string | string[]) => sourceOf(peer, forwarded, proxies).name;
    assert.equal(of('192.0.2.1', '198.51.100.7'), '198.51.100.7');
    assert.equal(of('::ffff:192.0.2.1', '2001:db8::7'), '2001:db8:0:0::/64');
    assert.equal(of('192.0.2.2', '198.51.100.7'), '192.0.2.2');
  });

  test('is the last that no trusted proxy is: what comes before it, anybody may have written', () => {
    const proxies = parseProxies(['10.0.0.0/8']);
    const of = (forwarded: string | string[]) => sourceOf('10.0.0.1', forwarded, proxies).name;
    assert.equal(of('203.0.113.9, 198.51.100.7, 10.0.0.2'), '198.51.100.7');
    assert.equal(of(['203.0.113.9', '198.51.100.7, 10.0.0.2']), '198.51.100.7');
    assert.equal(of('10.0.0.3, 10.0.0.2'), '10.0.0.3');
    for (const silly of ['', 'unknown', '198.51.100.7, unknown', '_hidden', `${'x'.repeat(10_000)}`])
      assert.equal(of(silly), '10.0.0.1', silly.slice(0, 20));
    assert.equal(of(`${'10.0.0.9,'.repeat(10_000)}10.0.0.9`), '10.0.0.9');
  });
});

describe('where a NATS request comes from', () => {
  const of = (text?: string) => {
    const all = headers();
    if (text !== undefined) all.set('Nats-Request-Info', text);
    return natsSourceOf(all);
  };

  const own = (name: string) => ({ name, isShared: false });
  const shared = (name: string) => ({ name, isShared: true });

  test('is the address that the server tells, else the account, which all clients share', () => {
    assert.deepEqual(of('{"acc":"PUBLIC","rtt":1,"host":"192.0.2.1","id":7}'), own('192.0.2.1'));
    assert.deepEqual(of('{"acc":"PUBLIC","host":"2001:db8::1"}'), own('2001:db8:0:0::/64'));
    assert.deepEqual(of('{"acc":"PUBLIC","host":"127.0.0.1"}'), shared('this machine'));
    assert.deepEqual(of('{"acc":"PUBLIC","rtt":1}'), shared('account PUBLIC'));
  });

  test('is not known of what the tower itself asks, and one and the same of what cannot be read', () => {
    assert.equal(natsSourceOf(undefined), undefined);
    assert.equal(of(), undefined);
    for (const silly of ['{', '[]', '{"acc":7}', `{"acc":"${'x'.repeat(300)}"}`])
      assert.deepEqual(of(silly), shared('nobody knows where'));
  });
});

describe('the invite in a host name', () => {
  const token = 'abcdefghijklmnopqrstuvwxyz234567';

  test('is its first label, however that is written', () => {
    for (const host of [`${token}.tower.example`, `${token.toUpperCase()}.Tower.example:9814`, `${token}.localhost`])
      assert.equal(inviteInHost(host), token);
  });

  test('is not there in any other name, nor where there is none', () => {
    for (const host of [undefined, '', 'tower.example', token, '127.0.0.1:9814', '[::1]:9814', `x.${token}.example`])
      assert.equal(inviteInHost(host), undefined, host);
    for (const label of [token.slice(1), `${token}a`, token.replace('a', '1'), token.replace('a', '-')])
      assert.equal(inviteInHost(`${label}.tower.example`), undefined, label);
  });
});
