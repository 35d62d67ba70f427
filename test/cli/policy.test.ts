import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InviteToken, inviteIdOf } from '../../events/policy.js';
import { userId } from '../fixtures/ids.js';
import { argus } from '../support/argus.js';
import { auditorsWay } from '../support/auditor-command.js';
import { cells, whereabouts } from '../support/operator-command.js';
import { startTestTower } from '../support/tower.js';

const lines = (text: string) => text.trimEnd().split('\n');

describe('argus invite and argus allow', () => {
  test('make, list and revoke invites, and keep the list, as people and programs read it', async (t) => {
    const tower = await startTestTower(t, { settings: { 'registration.policy': 'invite' } });
    const where = whereabouts(t, tower);
    const ask = (...args: string[]) => argus([...args, ...where]);

    const made = await ask('invite', 'create', '--uses', '2', '--height', '500', '--note', 'for Bob');
    assert.deepEqual([made.status, made.stderr], [0, '']);
    const fields = new Map(lines(made.stdout).map((line) => cells(line) as [string, string]));
    const token = InviteToken.parse(fields.get('token'));
    const id = inviteIdOf(token);
    assert.deepEqual(
      ['invite id', 'status', 'uses', 'used', 'expiry height', 'note'].map((name) => fields.get(name)),
      [id, 'open', '2', '0', '500', 'for Bob'],
    );
    const client = await tower.newClient();
    await client.register(token);

    const { stdout } = await ask('invite', 'create', '--expires', '12h', '--json');
    const other = JSON.parse(stdout);
    const hours = (Date.parse(other.expiry_time) - Date.now()) / 3_600_000;
    assert.ok(hours > 11.9 && hours <= 12 && other.uses === 1 && other.note === null);
    const revoked = await ask('invite', 'revoke', other.invite_id, '--json');
    assert.equal(JSON.parse(revoked.stdout).status, 'revoked');

    const listed = await ask('invite', 'list');
    assert.deepEqual(
      lines(listed.stdout).map((line) => cells(line).slice(0, 4)),
      [
        ['INVITE', 'STATUS', 'USES', 'USED'],
        [id, 'open', '2', '1'],
        [other.invite_id, 'revoked', '1', '0'],
      ],
    );
    assert.ok(!listed.stdout.includes(token));
    const rows = lines((await ask('invite', 'list', '--json')).stdout).map((line) => JSON.parse(line));
    assert.deepEqual(
      rows.map(({ status }) => status),
      ['open', 'revoked'],
    );

    const [alice, bob] = [userId('alice'), userId('bob')];
    assert.equal((await ask('allow', 'add', alice, bob)).stdout, 'changed  2\n');
    assert.equal((await ask('allow', 'add', alice, '--json')).stdout, '{"changed":0}\n');
    assert.equal((await ask('allow', 'remove', bob)).stdout, 'changed  1\n');
    assert.equal((await ask('allow', 'list')).stdout, `${alice}\n`);

    const audit = (...args: string[]) => argus(['audit', ...args, ...auditorsWay(t, tower.nats)]);
    const verdict = await audit('verify', '--json', '--tower', tower.key.towerId);
    const { ok, policy_messages: messages } = JSON.parse(verdict.stdout);
    assert.deepEqual([verdict.status, ok, messages], [0, true, 6]);
    const told = lines((await audit('timeline', client.userId)).stdout).map((line) => cells(line).at(-1));
    assert.deepEqual(told.length, 2);
    assert.match(
      told.join('\n'),
      new RegExp(`^user ${client.userId} let in at block 110\nregistered .* with invite ${id}`),
    );
    const exported = lines((await audit('export')).stdout).map((line) => JSON.parse(line));
    const ofPolicy = exported.filter(({ stream }) => stream === 'POLICY');
    assert.deepEqual(
      ofPolicy.map(({ type, invite_id: invite, user_id: user, shard }) => [type, invite ?? user, shard]),
      [
        ['InviteCreated', id, undefined],
        ['InviteUsed', id, undefined],
        ['InviteCreated', other.invite_id, undefined],
        ['InviteRevoked', other.invite_id, undefined],
        ['UserAllowed', alice, undefined],
        ['UserAllowed', bob, undefined],
        ['UserDisallowed', bob, undefined],
      ],
    );
    assert.equal(exported.find(({ type }) => type === 'UserRegistered').invite_id, id);
    const { admissions } = JSON.parse((await audit('stats', '--json')).stdout);
    assert.deepEqual(admissions, {
      invites_created: 2,
      invites_used: 1,
      invites_revoked: 1,
      users_allowed: 2,
      users_disallowed: 1,
      limits_changed: 0,
    });
    const { status } = await audit('replay', '--summary');
    assert.equal(status, 0);
  });

  test('say what they do not understand before they ask anybody, and what the tower does not have', async (t) => {
    const nowhere = ['--network', 'regtest', '--data', '/nonexistent', '--nats', 'nats://127.0.0.1:1'];
    for (const [args, why] of [
      [['invite', 'create', '--uses', '0'], /uses/],
      [['invite', 'create', '--uses', 'many'], /a whole number is expected/],
      [['invite', 'create', '--expires', '3 weeks'], /a time is given as 30m, 12h or 30d/],
      [['invite', 'create', '--height', '4294967296'], /height/],
      [['invite', 'create', '--note', 'x'.repeat(201)], /note/],
      [['invite', 'revoke', 'abc'], /an invite id is 32 lower-case hex digits/],
      [['invite', 'revoke'], /missing required argument 'id'/],
      [['allow', 'add', '02e5'], /a user id is 66 lower-case hex digits/],
      [['allow', 'remove'], /missing required argument 'user-id'/],
    ] as const) {
      const { status, stderr } = await argus([...args, ...nowhere]);
      assert.equal(status, 2, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, why);
    }
    const tower = await startTestTower(t);
    const { status, stderr } = await argus(['invite', 'revoke', 'ab'.repeat(16), ...whereabouts(t, tower)]);
    assert.deepEqual([status, stderr], [1, 'argus: There is no such invite\n']);
  });
});

test('nobody but the operator reaches what decides about invites', async (t) => {
  const tower = await startTestTower(t);
  const nc = await tower.nats.connect('public');
  for (const subject of ['argus.operator.v1.create_invite', 'argus.operator.v1.allow', 'argus.policy.allow-list'])
    await assert.rejects(nc.request(subject, '{}', { timeout: 500 }), subject);
});
