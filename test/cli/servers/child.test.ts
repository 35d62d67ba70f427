import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../../../cli/servers/child.js';
import { tempDir } from '../../support/temp-dir.js';

const CHILD = new URL('../../../cli/servers/child.js', import.meta.url).href;

/** A server that ignores SIGTERM when told to, says that it is up, and lives until it is ended. */
const server = (stubborn: boolean) => [
  '-e',
  `${stubborn ? "process.on('SIGTERM', () => {});" : ''} console.log('up', process.pid); setInterval(() => {}, 1000)`,
];

test('the pid is the server itself, and its output can be quoted', async (t) => {
  const logFile = join(tempDir(t), 'log');
  writeFileSync(logFile, 'of an earlier run\n');
  const child = await startChild({ program: process.execPath, args: server(false), logFile });
  t.after(child.stop);
  await until(() => child.tail() !== '');
  assert.equal(child.tail(), `up ${child.pid}`);
});

test('stop ends it by SIGTERM, and may be called again', async (t) => {
  const child = await startChild({ program: process.execPath, args: server(false), logFile: join(tempDir(t), 'log') });
  assert.deepEqual(await child.stop(), { code: null, signal: 'SIGTERM' });
  assert.deepEqual(await child.stop(), { code: null, signal: 'SIGTERM' });
  child.kill('SIGTERM');
  assert.equal(runs(child.pid), false);
});

test('a server that ignores SIGTERM is killed after the grace', async (t) => {
  const logFile = join(tempDir(t), 'log');
  const child = await startChild({ program: process.execPath, args: server(true), logFile, graceMs: 300 });
  await until(() => child.tail() !== '');
  assert.deepEqual(await child.stop(), { code: null, signal: 'SIGKILL' });
});

test('arguments with spaces, quotes and dollars arrive as they are; an exit code comes back', async (t) => {
  const args = ['-e', 'console.log(process.argv[1]); process.exit(7)', 'a "b" $HOME \'c\' ;'];
  const child = await startChild({ program: process.execPath, args, logFile: join(tempDir(t), 'log') });
  assert.deepEqual(await child.exited, { code: 7, signal: null });
  assert.equal(child.tail(), 'a "b" $HOME \'c\' ;');
});

test('a program that is not there ends with 127', async (t) => {
  const child = await startChild({ program: '/no/such/server', args: [], logFile: join(tempDir(t), 'log') });
  assert.deepEqual(await child.exited, { code: 127, signal: null });
  assert.deepEqual(await child.stop(), { code: 127, signal: null });
});

for (const stubborn of [false, true]) {
  test(`an owner that is killed takes its ${stubborn ? 'stubborn ' : ''}server and its leash along`, async (t) => {
    const { owner, pid } = await ownerOf(t, { stubborn, released: false });
    const leash = parentOf(pid);
    assert.ok(runs(pid) && runs(leash));
    owner.kill('SIGKILL');
    await until(() => !runs(pid) && !runs(leash));
    assert.deepEqual(childrenOf(leash), []);
  });
}

test('a server that was released outlives its owner, which ends by itself', async (t) => {
  const { owner, pid } = await ownerOf(t, { stubborn: false, released: true });
  t.after(() => process.kill(pid, 'SIGKILL'));
  await until(() => owner.exitCode === 0);
  await sleep(300);
  assert.ok(runs(pid));
});

/** Another node process that starts a server, so that it can be killed. */
async function ownerOf(t: Parameters<typeof tempDir>[0], kind: { stubborn: boolean; released: boolean }) {
  const logFile = join(tempDir(t), 'log');
  const options = { program: process.execPath, args: server(kind.stubborn), logFile, graceMs: 500 };
  const code = `import { startChild } from ${JSON.stringify(CHILD)};
    const child = await startChild(${JSON.stringify(options)});
    ${kind.released ? 'await child.release()' : 'setInterval(() => {}, 1000)'};`;
  const owner: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' });
  t.after(() => owner.kill('SIGKILL'));
  await until(() => existsSync(logFile) && readFileSync(logFile, 'utf8').startsWith('up '));
  return { owner, pid: Number(readFileSync(logFile, 'utf8').split(' ')[1]) };
}

/** Whether a process is there and has not ended (a zombie has). */
function runs(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z';
}

const parentOf = (pid: number): number => Number(statOf(pid)?.[1]);

function childrenOf(pid: number): string[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean) : [];
}

/** The state, the parent and what follows of `/proc/<pid>/stat`. */
function statOf(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
  } catch {
    return undefined;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > end) assert.fail('did not come true within 15 s');
    await sleep(20);
  }
}
