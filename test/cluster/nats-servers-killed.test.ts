import assert from 'node:assert/strict';
import { test } from 'node:test';
import { towerStream } from '../../events/log/streams.js';
import { isWhole, leaderOf } from '../stage/nats-servers.js';
import { shard } from '../support/log.js';
import { until } from '../support/until.js';
import { outcomeOf } from './outcome.js';
import { Play } from './play.js';

test('the NATS server that leads the log is lost, then another: nothing is accepted until they are back, nothing is lost, and breaches are answered', async (t) => {
  const play = await Play.start(t, { channels: 3 });
  const { stage } = play;
  const { chain } = stage.link.a;
  const nc = await stage.connect('node');
  const strangers = await Promise.all([1, 2, 3, 4].map((i) => play.newUser(`stranger ${i}`)));
  const processes = stage.nodes.map(({ victim }) => victim.server.child.pid);

  const leading = await until('a leader', () => leaderOf(nc, towerStream(shard)).catch(() => undefined));
  const leader = stage.servers.find(({ name }) => name === leading) ?? assert.fail();
  const other = stage.servers.find((one) => one !== leader) ?? assert.fail();
  const [before, meanwhile] = [await play.guardedBreach(), await play.guardedBreach()];
  await leader.victim.kill();
  await play.mine(before);
  await play.untilAnswered(before);
  const later = await play.guardedBreach();

  await other.victim.kill();
  const answers = await Promise.all(strangers.map(outcomeOf));
  t.diagnostic(`without a quorum: ${answers.join(', ')}`);
  assert.ok(answers.every((answer) => answer !== 'a receipt'));
  await play.mine(meanwhile);
  await play.untilAnswered(meanwhile); // what that needs, any server has

  await Promise.all([leader, other].map(({ victim }) => victim.restart()));
  await until('all replicas are back', () => isWhole(nc).catch(() => false));
  for (const stranger of strangers) assert.equal(await outcomeOf(stranger), 'a receipt');
  await chain.mine();
  await play.mine(later);
  await play.untilAnswered(later);
  assert.deepEqual(
    stage.nodes.map(({ victim }) => victim.server.child.pid),
    processes,
  );
  await play.end();
});
