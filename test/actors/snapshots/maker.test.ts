import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { packageRoot } from '../../../actors/package-root.js';
import { type Order, Report } from '../../../actors/snapshots/protocol.js';
import { userAggregate } from '../../../events/aggregate.js';
import { newCommit } from '../../../events/commit.js';
import { ensureStreams } from '../../../events/log/ensure-streams.js';
import { EventLog } from '../../../events/log/log.js';
import type { UserEvent } from '../../../events/user.js';
import { restoreSnapshot } from '../../../projections/snapshot/snapshot.js';
import { registered } from '../../fixtures/histories.js';
import { userId } from '../../fixtures/ids.js';
import { startTestNats } from '../../support/nats.js';
import { signatureOf, shardSubject as subject, tower as towerId } from '../../support/snapshots.js';
import { tempDir } from '../../support/temp-dir.js';
import { until } from '../../support/until.js';

describe('what makes snapshots', () => {
  test('does so with the lowest priority, gives them a signature that it asks for, and ends', async (t) => {
    const { folder, file, begin, register } = await start(t);
    await register('alice');
    const maker = begin();
    const digest = await maker.asked('sign');
    assert.equal(getPriority(maker.child.pid), 19);
    assert.equal(existsSync(file), false, 'what is not signed is no snapshot');
    maker.sign(digest.digest);
    assert.equal((await maker.asked('made')).position, 1);
    await maker.asked('done');
    assert.equal(await maker.ended, 0);
    assert.deepEqual(readdirSync(folder), ['TOWER_0.snapshot']);
    assert.equal(restoreSnapshot(readFileSync(file), subject).state.position, 1);
  });

  test('may be killed while it writes one: the one before stays, and nothing of it is left in the end', async (t) => {
    const { folder, file, begin, register } = await start(t);
    await register('alice');
    const first = begin();
    first.sign((await first.asked('sign')).digest);
    await first.ended;
    const before = readFileSync(file);

    await register('bob');
    const second = begin();
    await second.asked('sign');
    second.child.kill('SIGKILL');
    await second.ended;
    assert.deepEqual(readFileSync(file), before);
    assert.deepEqual(readdirSync(folder).sort(), [`TOWER_0.${second.child.pid}.draft`, 'TOWER_0.snapshot']);

    const third = begin();
    third.sign((await third.asked('sign')).digest);
    const { position, from } = await third.asked('made');
    assert.deepEqual([position, from], [2, 1]);
    await third.ended;
    assert.deepEqual(readdirSync(folder), ['TOWER_0.snapshot']);
  });

  test('ends with the node, also when that is killed', async (t) => {
    const { begin, register } = await start(t);
    await register('alice');
    const maker = begin();
    await maker.asked('sign');
    maker.child.disconnect(); // as the system does for a process that is no more
    assert.equal(await maker.ended, 0);
  });

  test('starts from the beginning of the log if it is told to', async (t) => {
    const { begin, register } = await start(t);
    await register('alice');
    const first = begin();
    first.sign((await first.asked('sign')).digest);
    await first.ended;
    await register('bob');
    const second = begin(true);
    second.sign((await second.asked('sign')).digest);
    assert.equal((await second.asked('made')).from, 0);
  });
});

async function start(t: TestContext) {
  const nats = await startTestNats(t);
  const nc = await nats.connect('node');
  await ensureStreams(nc, { network: 'regtest', towerId, shards: 1, replicas: 1 });
  const log = await EventLog.open(nc);
  const folder = join(tempDir(t), 'snapshots');
  const register = async (name: string) => {
    const events: UserEvent[] = [registered()];
    const options = { shard: subject.shard, expected: 0, patience: 5_000 };
    const commit = newCommit(userAggregate(userId(name)), events, 'one', Date.now());
    assert.equal((await log.append(commit as Parameters<EventLog['append']>[0], options)).kind, 'appended');
  };
  const begin = (afresh = false) => {
    const child = fork(join(packageRoot, 'dist', 'actors', 'snapshots', 'maker.js'));
    t.after(() => void child.kill('SIGKILL'));
    const order: Order = {
      say: 'make',
      servers: nats.url,
      seed: nats.nodeSeed,
      name: 'test',
      folder,
      every: 1_000,
      madeBy: '0.1.0',
      tasks: [{ ...subject, afresh }],
    };
    child.send(order);
    return new Maker(child);
  };
  return { folder, file: join(folder, 'TOWER_0.snapshot'), begin, register };
}

/** The process, and what it has said. */
class Maker {
  readonly #said: Report[] = [];
  readonly ended: Promise<number | null>;

  constructor(readonly child: ChildProcess) {
    child.on('message', (message) => this.#said.push(Report.parse(message)));
    this.ended = once(child, 'exit').then(([status]) => status);
  }

  async asked<S extends Report['say']>(say: S): Promise<Extract<Report, { say: S }>> {
    const isIt = (report: Report): report is Extract<Report, { say: S }> => report.say === say;
    return until(say, () => this.#said.find(isIt));
  }

  sign(digest: string): void {
    this.child.send({ say: 'signed', signature: signatureOf(digest) });
  }
}
