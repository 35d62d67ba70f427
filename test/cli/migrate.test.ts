import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { JetStreamManager, StreamConfig } from 'nats';
import { packageRoot } from '../../actors/package-root.js';
import { argus } from '../support/argus.js';
import { startTestNats } from '../support/nats.js';
import type { Cleanup } from '../support/temp-dir.js';
import { whereaboutsOf } from '../support/whereabouts.js';

/** A log of one shard, two settings of which are not as they should be. */
async function startDrifted(t: Cleanup) {
  const nats = await startTestNats(t);
  const { where } = whereaboutsOf(t, nats);
  assert.equal((await argus(['init', ...where])).status, 0);
  const jsm = await (await nats.connect('node')).jetstreamManager();
  await jsm.streams.update('BLOBS_0', { max_age: 1e15 });
  await jsm.streams.update('TOWER_0', { max_bytes: 1e6 });
  return { where, jsm };
}

const configs = async (jsm: JetStreamManager): Promise<StreamConfig[]> =>
  (await jsm.streams.list().next()).map(({ config }) => config);

const PLAN = [
  / on regtest: 2 settings of its streams to be changed$/,
  /^STREAM {3}SETTING {4}FROM {14}TO$/,
  /^TOWER_0 {2}max_bytes {2}1000000 {11}-1$/,
  /^BLOBS_0 {2}max_age {4}1000000000000000 {2}0$/,
];

function assertLines(said: string, expected: readonly RegExp[]): void {
  const lines = said.trimEnd().split('\n');
  assert.equal(lines.length, expected.length, said);
  for (const [i, line] of expected.entries()) assert.match(lines[i] ?? '', line);
}

describe('argus migrate', () => {
  test('shows what it would change, changes it, and finds nothing more to do', async (t) => {
    const { where, jsm } = await startDrifted(t);
    const before = await configs(jsm);
    const dry = await argus(['migrate', '--dry-run', ...where]);
    assert.deepEqual([dry.status, dry.stderr], [0, '']);
    assertLines(dry.stdout, PLAN);
    assert.deepEqual(await configs(jsm), before);

    const done = await argus(['migrate', '--yes', ...where]);
    assert.deepEqual([done.status, done.stderr], [0, '']);
    const outcome = [
      /^changed TOWER_0 max_bytes$/,
      /^changed BLOBS_0 max_age$/,
      /^1 copy of every stream, all current$/,
    ];
    assertLines(done.stdout, [...PLAN, ...outcome]);

    const again = await argus(['migrate', '--yes', ...where]);
    assert.deepEqual([again.status, again.stderr], [0, '']);
    assertLines(again.stdout, [
      / on regtest: every setting of its streams is as it should be$/,
      /^1 copy of every stream/,
    ]);
  });

  test('tells programs, and what the server would not do', async (t) => {
    const { where, jsm } = await startDrifted(t);
    const planned = await argus(['migrate', '--dry-run', '--json', ...where]);
    const changes = [
      { stream: 'TOWER_0', setting: 'max_bytes', from: 1e6, to: -1 },
      { stream: 'BLOBS_0', setting: 'max_age', from: 1e15, to: 0 },
    ];
    const parse = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    assert.deepEqual(
      parse(planned.stdout),
      changes.map((change) => ({ ...change, outcome: 'planned' })),
    );
    const result = await argus(['migrate', '--replicas', '3', '--yes', '--json', ...where]);
    const reason = 'replicas > 1 not supported in non-clustered mode';
    const refused = { setting: 'num_replicas', from: 1, to: 3, outcome: 'refused', reason };
    assert.deepEqual(parse(result.stdout), [
      ...changes.map((change) => ({ ...change, outcome: 'changed' })),
      ...['CHAIN', 'TXIDS', 'CHECKPOINTS', 'POLICY', 'TOWER_0', 'BLOBS_0', 'OBJ_SNAPSHOTS'].map((stream) => ({
        stream,
        ...refused,
      })),
    ]);
    assert.deepEqual([result.status, result.stderr], [1, 'argus: 7 of 9 settings could not be changed\n']);
    assert.ok((await configs(jsm)).every(({ num_replicas }) => num_replicas === 1));
  });

  test('refuses what is not its log, or none, and what it does not understand', async (t) => {
    const nats = await startTestNats(t);
    const { where } = whereaboutsOf(t, nats);
    const none = await argus(['migrate', '--yes', ...where]);
    assert.deepEqual([none.status, none.stderr], [1, 'argus: there is no log here; `argus init` makes one\n']);
    assert.equal((await argus(['init', ...where])).status, 0);
    const other = await argus(['migrate', '--yes', ...where, '--network', 'signet']);
    assert.equal(other.status, 1);
    assert.match(other.stderr, /CHAIN: argus\.network is regtest, not signet\n$/);
    await (await (await nats.connect('node')).jetstreamManager()).streams.delete('TOWER_0');
    const lost = await argus(['migrate', '--yes', ...where]);
    assert.equal(lost.status, 1);
    assert.match(lost.stderr, /TOWER_0 is missing, with all that it held/);
    for (const [args, said] of [
      [['migrate'], /^argus: there is no terminal to ask at: --yes or --dry-run\n$/],
      [['migrate', '--yes', '--timeout', 'long'], /^argus: a time is given in seconds\n$/],
      [['migrate', '--yes', '--replicas', '6'], /^argus: flag: log\.replicas: /],
    ] as const) {
      const { status, stderr } = await argus([...args]);
      assert.equal(status, 2);
      assert.match(stderr, said);
    }
  });

  const hasScript = spawnSync('script', ['--version']).status === 0;
  test('at a terminal asks first', {
    skip: hasScript ? false : 'there is no `script` to make a terminal',
  }, async (t) => {
    const { where, jsm } = await startDrifted(t);
    const before = await configs(jsm);
    for (const answer of ['y\n', '\n', '\x04', '\x03']) {
      const declined = await atTerminal(t, where, answer);
      assert.equal(declined.status, 1);
      assert.match(declined.said, /Do these 2\? [\s\S]*argus: nothing was changed/);
      assert.deepEqual(await configs(jsm), before);
    }
    const confirmed = await atTerminal(t, where, 'yes\n');
    assert.equal(confirmed.status, 0, confirmed.said);
    assert.match(confirmed.said, /changed BLOBS_0 max_age/);
  });
});

/** Runs `argus migrate` at a terminal of its own, where somebody types `answer` to the question. */
function atTerminal(t: Cleanup, where: readonly string[], answer: string) {
  const words = [process.execPath, join(packageRoot, 'dist', 'cli', 'main.js'), 'migrate', ...where];
  const line = words.map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', line, '/dev/null'], { stdio: 'pipe' });
  t.after(() => void child.kill('SIGKILL'));
  let said = '';
  let asked = false;
  child.stdout.on('data', (text) => {
    said += text;
    if (asked || !said.includes('taken for it: ')) return;
    asked = true;
    child.stdin.write(answer);
  });
  return new Promise<{ status: number | null; said: string }>(
    (resolve) => void child.on('close', (status) => resolve({ status, said })),
  );
}
