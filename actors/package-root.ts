import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds this package's `package.json` and `nats.conf`: the nearest one above this module that has both. */
export const packageRoot: string = nearest(dirname(fileURLToPath(import.meta.url)));

function nearest(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (['package.json', 'nats.conf'].every((name) => existsSync(join(folder, name)))) return folder;
    if (folder === dirname(folder)) throw new Error(`no package.json with a nats.conf beside it above ${from}`);
  }
}
