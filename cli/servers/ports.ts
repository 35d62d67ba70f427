import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Ports for servers on 127.0.0.1. They come from below the range from which the kernel takes ports for outgoing
 * connections (32768 and up on Linux), so that a server that is down for a moment finds its port free again.
 *
 * Between the choice of a port and its use there is a moment. So each process has some of its own, by its id, and gives
 * them out in turns: what runs at the same time, like the test runner's files, has ids that are near to one another.
 */
const LOWEST = 12_000;
const EACH = 100;
const PROCESSES = 200;

const first = LOWEST + (process.pid % PROCESSES) * EACH;
let given = 0;

/** Different TCP ports, free on 127.0.0.1 at this moment. Another program may still be faster to take one. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count && tries < EACH; tries++) {
    const port = first + (given++ % EACH);
    if (await isFree(port)) ports.add(port);
  }
  if (ports.size < count) throw new Error(`no ${count} free ports between ${first} and ${first + EACH - 1}`);
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}
