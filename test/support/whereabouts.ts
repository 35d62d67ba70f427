import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cleanup, tempDir } from './temp-dir.js';

/** Flags for a command about the tower on a NATS server, from a new data folder that holds the server's keys. */
export function whereaboutsOf(
  t: Cleanup,
  nats: { readonly url: string; readonly nodeSeed: string; readonly operatorSeed: string },
): { readonly data: string; readonly where: string[] } {
  const data = join(tempDir(t), 'data');
  mkdirSync(join(data, 'nats'), { recursive: true });
  for (const [name, seed] of Object.entries({ node: nats.nodeSeed, operator: nats.operatorSeed }))
    writeFileSync(join(data, 'nats', `${name}.nkey`), `${seed}\n`, { mode: 0o600 });
  return { data, where: ['--network', 'regtest', '--data', data, '--nats', nats.url] };
}
