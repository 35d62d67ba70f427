import assert from 'node:assert/strict';
import { overNats } from '../../actors/client/nats-courier.js';
import { towerStream } from '../../events/log/streams.js';
import { leaderOf } from '../stage/nats-servers.js';
import type { Network } from '../stage/network.js';
import { shard } from '../support/log.js';
import { until } from '../support/until.js';
import type { User } from '../torture/user.js';
import { outcomeOf } from './outcome.js';
import type { Play } from './play.js';

/**
 * The NATS server that leads the log hears the others no more, though they hear it: it takes itself for the leader, and
 * nobody confirms anything to it. They elect another. The node on the lonely server waits, and answers breaches as all do.
 */
export async function cutServer(play: Play, network: Network): Promise<void> {
  const { stage } = play;
  const nc = await stage.connect('node');
  const leading = await until('a leader', () => leaderOf(nc, towerStream(shard)).catch(() => undefined));
  const at = stage.servers.findIndex(({ name }) => name === leading);
  const own = stage.nodes[at] ?? assert.fail();
  const others = stage.servers.map(({ name }) => name).filter((name) => name !== leading);
  const users = await Promise.all(stage.servers.map(({ name, server }) => usersAt(play, name, server.url)));
  const islanders = users[at] ?? assert.fail();
  const mainlanders = users.filter((some) => some !== islanders).flat();
  const [first, later] = [await play.guardedBreach(), await play.guardedBreach()];

  network.deafen(leading, others);
  await play.mine(first);
  await play.untilAnswered(first);
  const atOnce = islanders.map(outcomeOf);
  for (const user of mainlanders) await until('the others accept', () => isGranted(user));
  await until('its node says what it waits for', () => stage.hasSaid(own.name, 'the log takes no blocks'));
  assert.ok((await Promise.all(atOnce)).every((outcome) => outcome !== 'a receipt'));
  const again = islanders.map(outcomeOf);
  await play.mine(later);
  for (const { name } of stage.nodes)
    await until(`node ${name} answers`, () => stage.hasSaid(name, 'penalty sent', later.penaltyTxid));
  assert.ok((await Promise.all(again)).every((outcome) => outcome !== 'a receipt'));

  network.heal();
  for (const user of [...islanders, ...mainlanders]) await until('all accept', () => isGranted(user));
}

/** Who is connected to one server, and stays there. */
async function usersAt(play: Play, name: string, url: string): Promise<User[]> {
  const way = overNats(await play.stage.connect('client', url));
  return Promise.all([1, 2, 3].map((i) => play.newUser(`${i} at ${name}`, 'rust', way)));
}

const isGranted = async (user: User): Promise<boolean> => (await outcomeOf(user)) === 'a receipt';
