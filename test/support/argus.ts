import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { packageRoot } from '../../actors/package-root.js';

/** The program `argus`, to be run by `process.execPath`. */
export const MAIN = join(packageRoot, 'dist', 'cli', 'main.js');

/** How a command ended and what it said. */
export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ArgusOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What it finds on stdin; nothing unless told. */
  readonly input?: string;
}

/** Runs a command of `argus` to its end, without a terminal and with no environment but this. */
export async function argus(args: readonly string[], { env = {}, input = '' }: ArgusOptions = {}): Promise<Said> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
    detached: true, // in a session of its own, which has no terminal
  });
  child.stdin.on('error', () => {}); // it may not want to read
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr };
}
