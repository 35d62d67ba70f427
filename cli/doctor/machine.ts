import { accessSync, constants, existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config } from '../../actors/config.js';
import { version } from '../../actors/version.js';
import { compareVersions } from '../../events/log/connection.js';
import { CORE_DUMPS, mayDumpCore } from '../core-dumps.js';
import { about, type Finding } from './finding.js';

const MB = 2 ** 20;

/** So little room that it is a warning, or a problem, in bytes. A block of the log's takes 8 MB, an appointment 1 to 100 KB. */
export interface Room {
  readonly tight: number;
  readonly full: number;
}

const DISK: Room = { tight: 5_000 * MB, full: 500 * MB };
const MEMORY: Room = { tight: 500 * MB, full: 100 * MB };

/** The oldest Node with all that a node needs: that of `engines` in the package. */
const OLDEST_NODE = '20.19.0';

/** The machine that the node is to run on. */
export async function examineMachine({ data }: Config, disk = DISK, memory = MEMORY): Promise<Finding[]> {
  return [
    nodeVersion(process.versions.node),
    await diskOf(data, disk),
    ...(await memoryOf(memory)),
    ...(mayDumpCore()
      ? [about('machine').warning(CORE_DUMPS, 'ulimit -c 0, or LimitCORE=0 in a unit of systemd')]
      : []),
  ];
}

/** Whether this Node is one that the tower runs on. */
export function nodeVersion(found: string): Finding {
  const { ok, problem } = about('versions');
  return compareVersions(found, OLDEST_NODE) >= 0
    ? ok(`argus ${version} on Node ${found}`)
    : problem(`Node ${found} is too old`, `install Node ${OLDEST_NODE} or newer`);
}

async function diskOf(data: string, room: Room): Promise<Finding> {
  const { ok, warning, problem } = about('disk');
  const folder = nearest(resolve(data));
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    return problem(`nothing can be written in ${folder}`, `chown -R ${process.geteuid?.() ?? 'USER'} ${folder}`);
  }
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const what = `${sizeText(free)} free for ${data}`;
  const cure = 'make room, or put the folder on a larger disk: data = "..." in argus.toml';
  if (free < room.full) return problem(`only ${what}: a full disk stops the tower`, cure);
  return free < room.tight ? warning(`only ${what}`, cure) : ok(what);
}

/** The folder itself, or the one above it that is there. */
const nearest = (folder: string): string => (existsSync(folder) ? folder : nearest(dirname(folder)));

/** What is to be had without swapping, where Linux tells it. */
async function memoryOf(room: Room): Promise<Finding[]> {
  const { ok, warning, problem } = about('machine');
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(text) ?? [];
  if (kilobytes === undefined) return [];
  const free = Number(kilobytes) * 1024;
  const what = `${sizeText(free)} of memory to be had`;
  const cure = 'free memory: a node takes 200 MB and more with its appointments, a nats-server up to GOMEMLIMIT';
  if (free < room.full) return [problem(`only ${what}`, cure)];
  return [free < room.tight ? warning(`only ${what}`, cure) : ok(what)];
}

/** `12.3 GB`, `45 MB` */
export const sizeText = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.floor(bytes / 1e6)} MB`;
