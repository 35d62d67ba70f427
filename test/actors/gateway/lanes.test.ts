import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer } from '../../../actors/gateway/answers.js';
import type { Caller } from '../../../actors/gateway/gateway.js';
import { CROWD, Lanes, MOST_IN_A_FLOOD, MOST_UNDER_WAY, MOST_WAITING } from '../../../actors/gateway/lanes.js';
import { MAX_BLOB_BYTES } from '../../../actors/gateway/requests.js';

const limits = { maxBlobBytes: MAX_BLOB_BYTES, minToSelfDelay: 20 };
const rust: Caller = { dialect: 'rust', certain: false };
const python: Caller = { dialect: 'python', certain: true };
const body = (n: number) => Buffer.from(JSON.stringify({ n }));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const granted: Answer = { status: 200, body: {} };

/** Lanes before a Gateway that answers what is under way when it is told to. */
function lanesBefore(isLate: () => boolean = () => false) {
  const underWay: { readonly n: number; readonly answer: (answer: Answer) => void }[] = [];
  const passed: number[] = [];
  let most = 0;
  let noted = 0;
  const lanes = new Lanes({
    limits,
    limiter: { ofSource: () => undefined },
    bystander: { standAside: () => 'no' },
    requests: {
      of: (_noted, work) => {
        noted++;
        return work();
      },
    },
    isLate,
    pass: (_operation, bytes) => {
      const { n } = JSON.parse(Buffer.from(bytes).toString());
      passed.push(n);
      return new Promise((answer) => {
        underWay.push({ n, answer });
        most = Math.max(most, underWay.length);
      });
    },
  });
  const answerAll = async () => {
    while (underWay.length > 0) {
      for (const { answer } of underWay.splice(0)) answer(granted);
      await turn();
    }
  };
  return { lanes, underWay, passed, answerAll, most: () => most, noted: () => noted };
}

describe('the lanes before the Gateway', () => {
  test('keep nobody waiting for long, also when nothing comes back from there', async () => {
    const { lanes } = lanesBefore();
    const lane = lanes.lane();
    const begun = performance.now();
    const answers = Array.from({ length: MOST_UNDER_WAY + 3 }, (_, n) => lane.serve('add_appointment', body(n), rust));
    const refused = await Promise.all(answers.slice(MOST_UNDER_WAY));
    assert.ok(performance.now() - begun >= 2_500);
    assert.deepEqual(
      refused.map(({ reason }) => reason),
      ['unavailable', 'unavailable', 'unavailable'],
    );
    assert.equal(lanes.waiting, 0);
  });

  test('tell whoever may be a rust client to come again as it understands it', async () => {
    let isLate = true;
    const { lanes } = lanesBefore(() => isLate);
    const lane = lanes.lane();
    const guessed: Caller = { dialect: 'python', certain: false };
    const codeFor = async (caller: Caller) =>
      Object((await lane.serve('add_appointment', body(0), caller)).body).error_code;
    assert.deepEqual([await codeFor(guessed), await codeFor(python), await codeFor(rust)], [7, undefined, 7]);
    isLate = false;
    for (let n = 0; n < MOST_UNDER_WAY + MOST_WAITING; n++) void lane.serve('register', body(n), rust);
    assert.deepEqual([await codeFor(guessed), await codeFor(python), await codeFor(rust)], [7, undefined, 7]);
  });

  test('have so many under way and so many waiting; beyond that each is refused in its own words, and none is lost', async () => {
    const { lanes, passed, answerAll, most, noted } = lanesBefore();
    const lane = lanes.lane();
    const room = MOST_UNDER_WAY + MOST_WAITING;
    const answers = Array.from({ length: room }, (_, n) => lane.serve('register', body(n), rust));
    assert.ok(lane.isCrowded && !lane.hasRoom);
    const refused = await Promise.all([
      lane.serve('add_appointment', body(-1), rust),
      lane.serve('add_appointment', body(-2), python),
    ]);
    assert.deepEqual(
      refused.map(({ status, reason }) => [status, reason]),
      [
        [503, 'unavailable'],
        [503, 'unavailable'],
      ],
    );
    // On any other number a rust client files the appointment as invalid for ever.
    assert.equal(Object(refused[0]?.body).error_code, 7);
    assert.equal(passed.length, MOST_UNDER_WAY);
    await answerAll();
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
    assert.deepEqual(
      passed,
      Array.from({ length: room }, (_, n) => n),
    );
    assert.equal(most(), MOST_UNDER_WAY);
    assert.ok(!lane.isCrowded && lane.hasRoom);
    assert.equal(lanes.waiting, 0);
    // What went on is noted where it is served.
    assert.equal(noted(), 2);
  });

  test('give the node less to do at a time once a lane is crowded', async () => {
    const { lanes, underWay, answerAll } = lanesBefore();
    const lane = lanes.lane();
    const count = MOST_UNDER_WAY + CROWD + 1;
    const answers = Array.from({ length: count }, (_, n) => lane.serve('register', body(n), rust));
    for (const { answer } of underWay.splice(0)) answer(granted);
    await turn();
    assert.equal(underWay.length, MOST_IN_A_FLOOD);
    await answerAll();
    await Promise.all(answers);
  });

  test('go by turns: a flood in one does not keep the other waiting', async () => {
    const { lanes, underWay, passed, answerAll } = lanesBefore();
    const [crowded, quiet] = [lanes.lane(), lanes.lane()];
    const answers = Array.from({ length: MOST_UNDER_WAY + CROWD / 2 }, (_, n) =>
      crowded.serve('register', body(n), rust),
    );
    answers.push(quiet.serve('register', body(-1), rust));
    assert.ok(!passed.includes(-1));
    for (const { answer } of underWay.splice(0, 2)) answer(granted);
    await turn();
    assert.ok(passed.includes(-1));
    await answerAll();
    await Promise.all(answers);
  });

  test('bound the bytes that are under way', async () => {
    const { lanes, underWay, answerAll } = lanesBefore();
    const lane = lanes.lane();
    const large = Buffer.from(JSON.stringify({ n: 0, much: 'a'.repeat(130_000) }));
    const answers = Array.from({ length: 50 }, () => lane.serve('add_appointment', large, rust));
    assert.ok(underWay.length < 6, String(underWay.length));
    await answerAll();
    assert.equal((await Promise.all(answers)).length, 50);
  });

  test('bound the bytes that wait, in all lanes together', async () => {
    const { lanes, answerAll } = lanesBefore();
    const some = [lanes.lane(), lanes.lane()];
    const large = Buffer.from(JSON.stringify({ n: 0, much: 'a'.repeat(130_000) }));
    const answers = Array.from({ length: 400 }, (_, i) => some[i % 2]?.serve('add_appointment', large, rust));
    assert.ok(lanes.waiting < 300, String(lanes.waiting));
    await answerAll();
    const refused = (await Promise.all(answers)).filter((answer) => answer?.status === 503).length;
    assert.ok(refused > 100 && refused < 200, String(refused));
  });

  test('pass on nothing that is no request, and nothing that may be old', async () => {
    let isLate = false;
    const { lanes, passed } = lanesBefore(() => isLate);
    const lane = lanes.lane();
    assert.equal((await lane.serve('register', Buffer.from('{"user_id": '), rust)).status, 400);
    assert.equal((await lane.serve('register', Buffer.alloc(5_000, ' '), rust)).status, 413);
    isLate = true;
    assert.equal((await lane.serve('register', body(1), rust)).reason, 'unavailable');
    assert.deepEqual(passed, []);
  });
});
