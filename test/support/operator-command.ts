import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cleanup, tempDir } from './temp-dir.js';
import type { TestTower } from './tower.js';

/** Where the operator of a tower finds it. */
export function whereabouts(t: Cleanup, { nats }: Pick<TestTower, 'nats'>, seed = nats.operatorSeed): string[] {
  const data = join(tempDir(t), 'data');
  mkdirSync(join(data, 'nats'), { recursive: true });
  writeFileSync(join(data, 'nats', 'operator.nkey'), `${seed}\n`, { mode: 0o600 });
  return ['--network', 'regtest', '--data', data, '--nats', nats.url];
}

/** The cells of a printed row. */
export const cells = (line: string | undefined): string[] => (line ?? '').split(/ {2,}/);
