import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { packageRoot } from '../../actors/package-root.js';

/** The server programs that Argus starts, and the environment variable that names each. */
const VARIABLE = { 'nats-server': 'NATS_SERVER', bitcoind: 'BITCOIND' } as const;
export type ServerName = keyof typeof VARIABLE;

/** A server program that is nowhere to be found; the message lists the places and says what to do. */
export class ServerNotFound extends Error {
  readonly code = 'server-not-found';
}

/**
 * The path of a server program: the one that NATS_SERVER or BITCOIND names, else the first on PATH, else the one in
 * `.servers/bin` of the package. A variable that names something else than a program is an error, not passed over.
 */
export function findServer(name: ServerName): string {
  const variable = VARIABLE[name];
  const named = process.env[variable];
  if (named) {
    const found = named.includes('/') ? [resolve(named)].find(isProgram) : onPath(named);
    if (found) return found;
    throw new ServerNotFound(`${variable} is "${named}", which is not a program`);
  }
  const own = join(packageRoot, '.servers', 'bin', name);
  const found = onPath(name) ?? [own].find(isProgram);
  if (found) return found;
  throw new ServerNotFound(`no ${name}: ${variable} is not set, none is on PATH, and there is no ${own}`);
}

const onPath = (name: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isProgram);

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
