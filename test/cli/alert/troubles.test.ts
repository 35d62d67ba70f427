import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Look, type SeenTracker, Troubles } from '../../../cli/alert/troubles.js';

const look = (about: Partial<Look> = {}): Look => ({
  nodes: ['one', '2'],
  alarms: [],
  trackers: [],
  isWhole: true,
  ...about,
});
const tracker = (id: string, stuck = false): SeenTracker => ({
  appointment_id: id,
  locator: 'aa',
  user_id: 'bb',
  dispute_txid: 'cc',
  penalty_txid: null,
  waits_for: 'penalty to be mined',
  stuck,
});
const away: Look = { ...look({ nodes: [], isWhole: false }), unreachable: 'no tower answers' };

/** What is told at each look. */
function told(looks: readonly Look[], expected: readonly string[] = []): string[][] {
  const troubles = new Troubles(expected);
  return looks.map((each) => troubles.next(each).map(({ kind, text }) => `${kind}: ${text}`));
}

test('a trouble is told once, at the second look that has it, and its end at the second that has it not', () => {
  const ill = look({ alarms: ['bitcoind of node one does not answer'] });
  assert.deepEqual(told([look(), ill, ill, ill, look(), ill, look(), look(), look()]), [
    [],
    [],
    ['trouble: bitcoind of node one does not answer'],
    [],
    [],
    [],
    [],
    ['over: bitcoind of node one does not answer'],
    [],
  ]);
  assert.deepEqual(told([ill, look(), ill, look()]).flat(), [], 'what comes and goes wakes nobody');
});

test('a trouble whose heights go on is the same, and that of another node, or of two that are called by numbers, is another', () => {
  const at = (node: string, height: number) =>
    `bitcoind of node ${node} is at block ${height}, the log at ${height + 5}`;
  const looks = [1, 2, 3].map((height) => look({ alarms: [at('1', height), at('2', height)] }));
  assert.deepEqual(told(looks), [[], [`trouble: ${at('1', 2)}`, `trouble: ${at('2', 2)}`], []]);
});

test('a node is missed when it was there, or should have been', () => {
  const alone = look({ nodes: ['one'] });
  assert.deepEqual(told([look(), alone, alone, look(), look()]).flat(), [
    'trouble: node 2 is gone',
    'over: node 2 is gone',
  ]);
  assert.deepEqual(told([alone, alone]).flat(), []);
  assert.deepEqual(told([alone, alone], ['one', 'three']).flat(), ['trouble: node three is gone']);
});

test('of a tower that cannot be asked that is told, and nothing else is over by it', () => {
  const ill = look({
    alarms: ['no node serves shard 1: requests of their users are refused'],
    trackers: [tracker('x')],
  });
  assert.deepEqual(told([ill, ill, away, away, away, ill, ill]).flat(), [
    'trouble: no node serves shard 1: requests of their users are refused',
    'trouble: the tower cannot be asked: no tower answers',
    'over: the tower cannot be asked: no tower answers',
  ]);
});

test('a breach is told at the first look that has it, once, though shards were not served meanwhile; not those of the first look', () => {
  const [known, fresh] = [tracker('known'), tracker('fresh')];
  const both = look({ trackers: [known, fresh] });
  const partly = look({ trackers: [], isWhole: false });
  assert.deepEqual(told([look({ trackers: [known] }), both, partly, both, away, both]).flat(), [
    'breach: breach of appointment fresh: dispute cc',
  ]);
});

test('a stuck penalty is told as often as it gets stuck', () => {
  const [stuck, moving] = [look({ trackers: [tracker('x', true)] }), look({ trackers: [tracker('x')] })];
  const text = 'stuck-penalty: the penalty of appointment x is stuck, waiting for: penalty to be mined';
  assert.deepEqual(told([stuck, stuck, look({ isWhole: false }), stuck, moving, stuck]), [
    [text],
    [],
    [],
    [],
    [],
    [text],
  ]);
});
