import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { MAIN } from './argus.js';
import type { Cleanup } from './temp-dir.js';
import { until } from './until.js';

/** Whether this machine has what gives a program a terminal of its own (util-linux). */
export const HAS_TERMINAL = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

/** A command of `argus` at a terminal, and whoever sits there. */
export interface AtTerminal {
  /** All that was shown so far. */
  readonly shown: () => string;
  /** Waits until something new is shown that matches, and types a line. */
  answer(question: RegExp, line: string): Promise<void>;
  /** Resolves with the status when the command has ended. */
  readonly ended: Promise<number | null>;
}

/** Starts a command of `argus` at a terminal, with no environment but this. */
export function argusAtTerminal(
  t: Cleanup,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): AtTerminal {
  const line = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const child: ChildProcess = spawn('script', ['-qfec', line, '/dev/null'], {
    env: { PATH: process.env.PATH, TERM: 'dumb', SHELL: '/bin/sh', ...env },
  });
  t.after(() => void child.kill('SIGKILL'));
  let shown = '';
  let from = 0;
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    shown += text;
  });
  return {
    shown: () => shown,
    async answer(question, typed) {
      const isAsked = () => question.test(shown.slice(from));
      await until(String(question), isAsked).catch((cause) => {
        throw new Error(`${question} is not asked, but this was shown: ${shown.slice(from)}`, { cause });
      });
      from = shown.length;
      child.stdin?.write(`${typed}\n`);
    },
    ended: new Promise((resolve) => void child.on('close', resolve)),
  };
}
