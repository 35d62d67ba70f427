import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argus, type Said } from './argus.js';
import { type Cleanup, tempDir } from './temp-dir.js';
import type { TestTower } from './tower.js';

/** `argus import` onto the servers of a test. */
export interface ImportCommand {
  /** The new node's folder. */
  readonly data: string;
  readonly args: readonly string[];
  run(...args: string[]): Promise<Said>;
}

export function importCommand(t: Cleanup, { nats, bitcoind }: Pick<TestTower, 'nats' | 'bitcoind'>): ImportCommand {
  const data = join(tempDir(t), 'new tower');
  mkdirSync(join(data, 'nats'), { recursive: true });
  writeFileSync(join(data, 'nats', 'node.nkey'), nats.nodeSeed, { mode: 0o600 });
  const where = ['--network=regtest', `--data=${data}`, `--nats=${nats.url}`];
  const args = [...where, `--bitcoind=${bitcoind.rpcUrl}`, `--bitcoind-cookie=${bitcoind.cookieFile}`];
  return { data, args, run: (...more) => argus(['import', ...more, ...args]) };
}

/** The lines of JSON that it said. */
export const linesOf = ({ stdout }: Said): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
