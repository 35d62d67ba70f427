import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readConfig } from '../../actors/config.js';
import { ConfigError, type ConfigSources } from '../../actors/config-sources.js';

const read = (flags: ConfigSources['flags']) => readConfig({ env: {}, flags: { data: '/nonexistent', ...flags } });

describe('the settings about who may come, and how often', () => {
  test('take proxies as addresses and networks, and nothing else', () => {
    const of = (list: string) => read({ 'http.trusted_proxies': list }).http.trustedProxies;
    assert.deepEqual(of('127.0.0.1, fd00::/8'), ['127.0.0.1', 'fd00::/8']);
    for (const wrong of ['proxy.example', '10.0.0.0/33', '::/129', '10.0.0.1/8/8', '10.0.0.0/', ''])
      assert.throws(() => of(wrong), /^Error: flag: http\.trusted_proxies: must be addresses/, wrong);
  });

  test('know three policies', () => {
    assert.equal(read({ 'registration.policy': 'allow' }).registration.policy, 'allow');
    assert.throws(() => read({ 'registration.policy': 'closed' }), /flag: registration\.policy: /);
  });

  test('give a user room for one registration at least', () => {
    const most = (flags: ConfigSources['flags']) => read(flags).limits.maxSlotsPerUser;
    assert.equal(most({ 'subscription.slots': '8', 'limits.max_slots_per_user': '8' }), 8);
    assert.throws(
      () => most({ 'subscription.slots': '8', 'limits.max_slots_per_user': '7' }),
      (error) =>
        error instanceof ConfigError &&
        error.message === 'limits.max_slots_per_user: must not be less than subscription.slots, which is 8',
    );
  });
});
