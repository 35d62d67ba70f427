import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { buildBreach, openChannels } from '../../cli/demo/channel.js';
import { freePorts } from '../../cli/servers/ports.js';
import { argus } from '../support/argus.js';
import { startHttpTower, urlOf } from '../support/http-tower.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';

/** `argus client` against a real tower: what a person has who runs no plugin. */

const OTHER = `02${'11'.repeat(32)}`;

for (const [way, dialect] of [
  ['http', 'rust'],
  ['nats', 'python'],
] as const)
  test(`a client of the command line is served over ${way} as ${dialect}, and what it keeps is proof`, async (t) => {
    const tower = await startHttpTower(t);
    const [channel = assert.fail()] = await openChannels(tower.chain, 1);
    const folder = tempDir(t);
    const { towerId } = tower.key;
    const address = way === 'http' ? new URL(urlOf(tower)).host : tower.nats.url;
    const env = { ARGUS_TOWER: `${towerId}@${address}` };
    const ask = async (name: string, ...rest: string[]) => {
      const flags = ['--folder', folder, '--dialect', dialect, '--json'];
      const { status, stdout, stderr } = await argus(['client', name, ...flags, ...rest], { env });
      assert.equal(status, 0, stderr);
      return JSON.parse(stdout);
    };
    const registered = await ask('register');
    assert.ok(registered.available_slots > 0);
    assert.equal(statSync(join(folder, 'client.key')).mode & 0o777, 0o600);

    const breach = buildBreach(channel);
    const penalty = join(folder, 'penalty.hex');
    writeFileSync(penalty, `${breach.penaltyTx}\n`);
    const add = () => ask('add', '--dispute', breach.disputeTxid, '--delay', '144', penalty);
    const added = await add();
    assert.deepEqual(await add(), added, 'the same once more is answered with the same receipt');
    const { locator } = added;
    assert.equal((await ask('get', locator)).status, 'being_watched');
    assert.deepEqual((await ask('subscription')).locators, [locator]);

    await tower.chain.mine(1);
    const proven = await until('a head is over it', () => ask('proof', locator).catch(() => undefined));
    const verified = await argus(['client', 'verify', '--tower', towerId, '--json', proven.file]);
    assert.equal(verified.status, 0, verified.stderr);

    const deleted = await ask('delete', locator);
    assert.equal(deleted.availableSlots, registered.available_slots);
    assert.deepEqual((await ask('subscription')).locators, []);

    const kept = readdirSync(join(folder, towerId)).sort();
    const of = (what: string) => `${locator}-${added.startBlock}.${what}.json`;
    assert.deepEqual(
      kept,
      [
        ...['appointment', 'deletion', 'proof', 'receipt'].map(of),
        `subscription-${registered.subscription_expiry}.json`,
      ].sort(),
    );
    for (const file of kept) assert.equal(statSync(join(folder, towerId, file)).mode & 0o777, 0o600);
    const receipt = JSON.parse(readFileSync(added.file, 'utf8'));
    assert.equal(receipt.signature, added.signature);
  });

describe('a client of the command line is told', () => {
  const run = (...args: string[]) => argus(['client', ...args]);

  test('by a person’s words what is wrong with what it was given', async (t) => {
    const folder = tempDir(t);
    const bad = join(folder, 'bad.hex');
    writeFileSync(bad, '00ff');
    const tower = ['--folder', folder, '--tower', `${OTHER}@127.0.0.1:1`];
    for (const [args, status, words] of [
      [['register'], 2, /--tower/],
      [['register', '--tower', 'here'], 2, /here is not ID@ADDRESS/],
      [['register', '--tower', `${OTHER}@ftp://x`], 2, /is not ID@ADDRESS/],
      [['register', '--tower', '02ab@127.0.0.1:1'], 2, /--tower: /],
      [['register', ...tower, '--dialect', 'go'], 2, /Allowed choices are rust, python/],
      [['get', ...tower, 'zz'], 2, /locator: /],
      [['proof', ...tower, '00'.repeat(16)], 1, /there is no receipt for 0000/],
      [['add', ...tower, '--dispute', '00'.repeat(32), '--delay', '144', bad], 1, /does not hold a raw transaction/],
      [['add', ...tower, '--dispute', '00'.repeat(32), '--delay', 'x', bad], 1, /does not hold a raw transaction/],
      [['add', ...tower, '--dispute', '00'.repeat(32), '--delay', '144', join(folder, 'none')], 1, /cannot be read/],
    ] as const) {
      const said = await run(...args);
      assert.equal(said.status, status, said.stderr);
      assert.match(said.stderr, words);
    }
  });

  test('that nobody answers', async (t) => {
    const folder = tempDir(t);
    const [port] = await freePorts(1);
    for (const address of [`127.0.0.1:${port}`, `nats://127.0.0.1:${port}`]) {
      const said = await run('subscription', '--timeout', '1', '--folder', folder, '--tower', `${OTHER}@${address}`);
      assert.equal(said.status, 1);
      assert.match(said.stderr, /127.0.0.1:\d+\/?.* (no tower listens|does not answer)/);
    }
  });

  test('by another tower than it meant: what that signed is kept', async (t) => {
    const tower = await startHttpTower(t);
    const folder = tempDir(t);
    const said = await run('register', '--folder', folder, '--tower', `${OTHER}@${urlOf(tower)}`);
    assert.equal(said.status, 1);
    const [, file = assert.fail(said.stderr)] = /what it answered is in (.+)/.exec(said.stderr) ?? [];
    assert.ok(JSON.parse(readFileSync(file, 'utf8')).subscription_signature);
  });

  test('why a tower refuses', async (t) => {
    const tower = await startHttpTower(t);
    const said = await run('subscription', '--folder', tempDir(t), '--tower', `${tower.key.towerId}@${urlOf(tower)}`);
    assert.equal(said.status, 1);
    assert.match(said.stderr, /argus: .+/);
  });
});
