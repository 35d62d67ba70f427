import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Network, networkOf, networks } from '../../../actors/chain-monitor/networks.js';

test('a network is known by its genesis block', () => {
  for (const name of Network.options) assert.equal(networkOf(networks[name].genesis), name);
  assert.equal(networkOf('00'.repeat(32)), undefined);
});
