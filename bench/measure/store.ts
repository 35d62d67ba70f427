import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamInfo } from 'nats';
import { until } from './wait.js';

/** What a stream takes of a NATS server's disk. */
export interface Stored {
  /** All of its messages, in bytes. */
  readonly bytes: number;
  /** Bytes of each message: of those in blocks that are full, since only these are packed. */
  readonly each: number;
}

/** How long nothing may have changed until the server is believed to be done, in ms. */
const QUIET_MS = 3_000;

/**
 * Resolves with what a stream takes of the disk once its server has packed what it packs. `folder` is what the server was
 * given to store in; `info` says what the stream holds.
 */
export async function untilStored(folder: string, { config, state }: StreamInfo): Promise<Stored> {
  const blocks = await settled(() => blocksOf(folder, config.name));
  const bytes = blocks.reduce((sum, block) => sum + block, 0);
  // A block that is not full is as it came: it holds its share of what the server counts unpacked.
  const newest = blocks.at(-1) ?? 0;
  const unpacked = Math.round((newest / state.bytes) * state.messages);
  const full = state.messages - unpacked;
  return { bytes, each: full > 0 ? (bytes - newest) / full : newest / Math.max(1, state.messages) };
}

/** The sizes of a stream's blocks, the oldest first. */
function blocksOf(folder: string, stream: string): number[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const blocks = files.filter((file) => file.includes(`${join('streams', stream)}/`) && file.endsWith('.blk'));
  const numberOf = (file: string) => Number(/(\d+)\.blk$/.exec(file)?.[1]);
  const paths = blocks.sort((a, b) => numberOf(a) - numberOf(b)).map((file) => join(folder, file));
  return paths.flatMap((path) => (existsSync(path) ? [statSync(path).size] : []));
}

async function settled(look: () => number[]): Promise<number[]> {
  let last = '';
  let since = performance.now();
  return until('the server is done with its disk', async () => {
    await sleep(200);
    const now = look();
    if (now.join() !== last) [last, since] = [now.join(), performance.now()];
    return performance.now() - since > QUIET_MS ? now : undefined;
  });
}
