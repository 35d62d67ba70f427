import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { within } from '../../cli/servers/child.js';
import { MAIN } from './argus.js';
import type { Cleanup } from './temp-dir.js';

/** `argus audit follow`, or another command that goes on, as it runs: its lines one after another. */
export function followCommand(t: Cleanup, args: readonly string[], command = ['audit', 'follow']) {
  const child = spawn(process.execPath, [MAIN, ...command, ...args], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const ended = new Promise<{ status: number | null; stderr: string }>((resolve) =>
    child.on('close', (status) => resolve({ status, stderr })),
  );
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const next = await within(lines.next(), 20_000);
    if (!next || next.done) assert.fail(`there are no more lines: ${stderr}`);
    return next.value;
  };
  return { child, ended, line };
}
