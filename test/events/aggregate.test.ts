import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  aggregateName,
  aggregateSubject,
  allowListAggregate,
  chainAggregate,
  inviteAggregate,
  parseAggregate,
  scanAggregate,
  trackerAggregate,
  userAggregate,
} from '../../events/aggregate.js';
import { InviteId, Shard } from '../../events/ids.js';
import { appointmentId, userId } from '../fixtures/ids.js';

const alice = userId('alice');
const channel = appointmentId('channel');
const invite = InviteId.parse('ab'.repeat(16));

describe('an aggregate', () => {
  for (const [aggregate, name, subject] of [
    [chainAggregate, 'chain', 'argus.chain'],
    [scanAggregate, 'scan', 'argus.7.scan'],
    [userAggregate(alice), `user/${alice}`, `argus.7.user.${alice}`],
    [trackerAggregate(channel), `tracker/${channel}`, `argus.7.tracker.${channel}`],
    [inviteAggregate(invite), `invite/${invite}`, `argus.policy.invite.${invite}`],
    [allowListAggregate, 'allow-list', 'argus.policy.allow-list'],
  ] as const)
    test(`${aggregate.kind}: its name, and its subject in shard 7`, () => {
      assert.equal(aggregateName(aggregate), name);
      assert.deepEqual(parseAggregate(name), aggregate);
      assert.equal(aggregateSubject(aggregate, Shard.parse(7)), subject);
    });

  test('is known by its exact name alone', () => {
    for (const name of [
      '',
      'chain ',
      'chain\n',
      `user/${channel}`,
      `tracker/${alice}`,
      `user/${alice}/`,
      `invite/${channel}`,
      'allow-list/',
      alice,
    ])
      assert.equal(parseAggregate(name), undefined, name);
  });
});
