import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Courier } from '../../actors/client/courier.js';
import { overNats } from '../../actors/client/nats-courier.js';
import { AddAppointmentAnswer } from '../../actors/wire.js';
import { groupBy } from '../torture/checker/group-by.js';
import { readLog } from '../torture/checker/raw-log.js';
import type { User } from '../torture/user.js';
import { Play } from './play.js';

const USERS = 4;
const AT_ONCE = 4;
const APPOINTMENTS = 600;
/** As often is each request made, all at the same moment; NATS gives each to some node. */
const COPIES = 3;

test('nodes that are given the same appointments of the same users at the same moment give one receipt for each', async (t) => {
  const play = await Play.start(t, { channels: 0 });
  const { stage } = play;
  const conflicts = await countRefusedAppends(play);
  const ways = await Promise.all(
    stage.servers.map(async ({ server }) => overNats(await stage.connect('client', server.url))),
  );
  const users: User[] = [];
  for (let i = 0; i < USERS; i++) users.push(await play.newUser(`user ${i}`, 'rust', allAtOnce(ways)));

  const begun = performance.now();
  let left = APPOINTMENTS;
  const work = async (user: User) => {
    while (left-- > 0) await user.watchForNothing();
  };
  await Promise.all(users.flatMap((user) => Array.from({ length: AT_ONCE }, () => work(user))));
  const seconds = (performance.now() - begun) / 1000;

  const { towers } = await readLog(await stage.connect('node'), 1);
  const ids = new Set(users.map(({ client }) => `user/${client.userId}`));
  const commits = towers.flat().filter(({ aggregate }) => ids.has(aggregate));
  const accepted = commits.flatMap(({ events }) => events).filter(({ type }) => type === 'AppointmentAccepted');
  const by = groupBy(commits, ({ node }) => node);
  t.diagnostic(
    JSON.stringify({
      requests: APPOINTMENTS * COPIES,
      seconds: Math.round(seconds),
      conflicts: conflicts(),
      commits: Object.fromEntries(Array.from(by, ([node, own]) => [node, own.length])),
    }),
  );
  assert.ok(conflicts() > 0);
  assert.equal(by.size, stage.nodes.length);
  assert.equal(accepted.length, APPOINTMENTS);
  assert.equal(new Set(accepted.map(({ appointmentId }) => appointmentId)).size, APPOINTMENTS);
  await play.end();
});

/** Asks on every way at once; all answers have to be the same receipt. */
const allAtOnce = (ways: readonly Courier[]): Courier => ({
  async ask(operation, body, timeoutMs) {
    const [one = assert.fail()] = ways;
    if (operation !== 'add_appointment') return one.ask(operation, body, timeoutMs);
    const replies = await Promise.all(ways.map((way) => way.ask(operation, body, timeoutMs)));
    const granted = replies.filter(({ status }) => status === 200).map(({ json }) => AddAppointmentAnswer.parse(json));
    assert.ok(new Set(granted.map(({ signature }) => signature)).size <= 1, 'one appointment, two receipts');
    return replies.find(({ status }) => status !== 200) ?? replies[0] ?? assert.fail();
  },
});

/** How often a stream refused an append because another was faster: what the nodes are told, overheard. */
async function countRefusedAppends({ stage }: Play): Promise<() => number> {
  const nc = await stage.connect('node');
  let count = 0;
  nc.subscribe('_INBOX.>', {
    callback: (_, message) => {
      if (/"err_code":(10071|10164)\b/.test(message.string())) count++;
    },
  });
  await nc.flush();
  return () => count;
}
