import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { Supervisor } from '../../../actors/runtime/supervisor.js';

const coded = (code: string) => Object.assign(new Error(`it is ${code}`), { code });

/** A supervisor of something that fails when told to, and a diary of what became of it. */
function supervised(t: TestContext, start: () => void | Promise<void> = () => {}) {
  const diary: string[] = [];
  const gaveUp: Error[] = [];
  let fail: (error: Error) => void = () => {};
  const thing = {
    name: 'the thing',
    async start(failed: (error: Error) => void) {
      fail = failed;
      diary.push('starts');
      await start();
      return {
        async stop() {
          diary.push('stops');
        },
      };
    },
  };
  const supervisor = new Supervisor(thing, pino({ level: 'silent' }), (error) => gaveUp.push(error));
  t.after(() => supervisor.stop());
  const until = async (look: () => boolean) => {
    for (let n = 0; n < 500 && !look(); n++) await sleep(5);
    assert.ok(look(), diary.join(', '));
  };
  return {
    supervisor,
    diary,
    gaveUp,
    fail: (error = new Error('failed')) => fail(error),
    /** Resolves when it was started so many times. */
    started: (times: number) => until(() => diary.filter((line) => line === 'starts').length === times),
    givenUp: () => until(() => gaveUp.length > 0),
  };
}

describe('a supervisor', () => {
  test('starts what it keeps, and stops it once', async (t) => {
    const { supervisor, diary, gaveUp } = supervised(t);
    await supervisor.start();
    assert.deepEqual(diary, ['starts']);
    await supervisor.stop();
    assert.deepEqual(diary, ['starts', 'stops']);
    assert.deepEqual(gaveUp, []);
  });

  test('stops what failed, and starts it anew', async (t) => {
    const { supervisor, diary, gaveUp, fail, started } = supervised(t);
    await supervisor.start();
    fail();
    await started(2);
    assert.deepEqual(diary, ['starts', 'stops', 'starts']);
    assert.deepEqual(gaveUp, []);
  });

  test('starts anew what could not be started', async (t) => {
    let times = 0;
    const { supervisor, diary, gaveUp } = supervised(t, () => {
      if (++times < 3) throw new Error('not yet');
    });
    await supervisor.start();
    assert.deepEqual(diary, ['starts', 'starts', 'starts'], 'what was never started is not stopped');
    assert.deepEqual(gaveUp, []);
  });

  test('hears of a failure while it starts', async (t) => {
    const thing = supervised(t, () => {
      if (thing.diary.length === 1) thing.fail();
    });
    await thing.supervisor.start();
    await thing.started(2);
    assert.deepEqual(thing.diary, ['starts', 'stops', 'starts']);
  });

  test('gives up at the fifth failure within a minute, with the last error', async (t) => {
    const { supervisor, diary, gaveUp, fail, started, givenUp } = supervised(t);
    await supervisor.start();
    for (let n = 1; n < 5; n++) {
      fail();
      await started(n + 1);
    }
    assert.equal(gaveUp.length, 0);
    fail(new Error('the fifth'));
    await givenUp();
    assert.equal(gaveUp[0]?.message, 'the fifth');
    await sleep(700);
    assert.equal(diary.filter((line) => line === 'starts').length, 5);
    assert.equal(diary.at(-1), 'stops');
    assert.equal(gaveUp.length, 1);
  });

  test('gives up what cannot be started five times', async (t) => {
    const { supervisor, diary, gaveUp } = supervised(t, () => {
      throw new Error('never');
    });
    await supervisor.start();
    assert.equal(diary.length, 5);
    assert.equal(gaveUp.length, 1);
  });

  test('forgives failures after a minute', async (t) => {
    let now = 0;
    t.mock.method(performance, 'now', () => now);
    const { supervisor, gaveUp, fail, started } = supervised(t);
    await supervisor.start();
    for (let n = 1; n <= 6; n++) {
      now = n * 15_001;
      fail();
      await started(n + 1);
    }
    assert.deepEqual(gaveUp, []);
  });

  for (const code of [
    'log-damaged',
    'damaged-commit',
    'unknown-event',
    'stream-drift',
    'unfit-server',
    'unfit-bitcoind',
  ])
    test(`gives up at once for ${code}, which starting again cannot mend`, async (t) => {
      const running = supervised(t);
      await running.supervisor.start();
      running.fail(coded(code));
      await running.givenUp();
      assert.deepEqual(running.diary, ['starts', 'stops']);
      const starting = supervised(t, () => {
        throw coded(code);
      });
      await starting.supervisor.start();
      assert.equal(starting.gaveUp.length, 1);
      assert.deepEqual(starting.diary, ['starts']);
    });

  test('does not give up at once for any other code', async (t) => {
    const { supervisor, gaveUp, fail, started } = supervised(t);
    await supervisor.start();
    fail(coded('log-unavailable'));
    await started(2);
    assert.deepEqual(gaveUp, []);
  });
});

describe('a supervisor that was stopped', () => {
  test('takes no notice of failures any more', async (t) => {
    const { supervisor, diary, gaveUp, fail } = supervised(t);
    await supervisor.start();
    await supervisor.stop();
    fail(coded('log-damaged'));
    await sleep(150);
    assert.deepEqual(diary, ['starts', 'stops']);
    assert.deepEqual(gaveUp, []);
  });

  test('stops what was about to start, as soon as it has', async (t) => {
    const { supervisor, diary } = supervised(t, () => sleep(20));
    const starting = supervisor.start();
    await supervisor.stop();
    await starting;
    assert.deepEqual(diary, ['starts', 'stops']);
  });

  test('does not start again what it was about to', async (t) => {
    const { supervisor, diary, fail } = supervised(t);
    await supervisor.start();
    fail();
    await sleep(20);
    assert.deepEqual(diary, ['starts', 'stops']);
    await supervisor.stop();
    await sleep(200);
    assert.deepEqual(diary, ['starts', 'stops']);
  });

  test('is not started', async (t) => {
    const { supervisor, diary } = supervised(t);
    await supervisor.stop();
    await supervisor.start();
    assert.deepEqual(diary, []);
  });
});
