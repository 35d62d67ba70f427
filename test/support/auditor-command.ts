import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestNats } from './nats.js';
import { type Cleanup, tempDir } from './temp-dir.js';

/** Where the auditor of a log finds it, and with which key. */
export function auditorsWay(t: Cleanup, { url, auditorSeed }: Pick<TestNats, 'url' | 'auditorSeed'>): string[] {
  const data = tempDir(t);
  const key = join(data, 'auditor.nkey');
  writeFileSync(key, `${auditorSeed}\n`, { mode: 0o600 });
  return ['--network', 'regtest', '--data', data, '--nats', url, '--nats-nkey', key];
}
