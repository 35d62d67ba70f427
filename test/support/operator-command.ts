import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../actors/package-root.js';
import { type Cleanup, tempDir } from './temp-dir.js';
import type { TestTower } from './tower.js';

const MAIN = join(packageRoot, 'dist', 'cli', 'main.js');
const env = { PATH: process.env.PATH, HOME: '/nonexistent' };

/** How a command of `argus` ended, and what it said. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, without holding up a tower that runs in this process. */
export const argus = (...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], { env }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });

/** Where the operator of a tower finds it. */
export function whereabouts(t: Cleanup, { nats }: Pick<TestTower, 'nats'>, seed = nats.operatorSeed): string[] {
  const data = join(tempDir(t), 'data');
  mkdirSync(join(data, 'nats'), { recursive: true });
  writeFileSync(join(data, 'nats', 'operator.nkey'), `${seed}\n`, { mode: 0o600 });
  return ['--network', 'regtest', '--data', data, '--nats', nats.url];
}

/** The cells of a printed row. */
export const cells = (line: string | undefined): string[] => (line ?? '').split(/ {2,}/);
