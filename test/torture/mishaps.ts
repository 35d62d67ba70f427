import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeLine } from '../stage/node-line.js';
import type { Victim } from '../stage/victim.js';
import type { Ledger } from './ledger.js';
import type { Random } from './random.js';

export interface Mishaps {
  readonly victims: readonly Victim[];
  /** Those of them that are NATS servers: of a cluster mostly one at a time has a mishap, seldom two. */
  readonly servers: readonly Victim[];
  /** The nodes' ways to NATS. */
  readonly lines: readonly { readonly name: string; readonly line: NodeLine }[];
  readonly random: Random;
  readonly ledger: Ledger;
  readonly over: AbortSignal;
  readonly tell: (what: string) => void;
}

/** Kills, freezes and ends processes at random, often several at once, until it is over; all of them run again then. */
export async function befall({ victims, servers, random, ledger, over, tell }: Mishaps): Promise<void> {
  const underWay = new Set<Promise<void>>();
  while (!over.aborted) {
    await sleep(random.between(500, 5_000), undefined, { signal: over }).catch(() => undefined);
    const several = Number(random.weighted({ 1: 6, 2: 3, 3: 1, 5: 1 }));
    for (let i = 0; i < several && !over.aborted; i++) {
      const victim = random.oneOf(victims);
      const kind = random.weighted({ killed: 4, paused: 4, restarted: 2 });
      const ms = random.chance(0.15) ? random.between(5_000, 20_000) : random.between(50, 4_000);
      const others = servers.includes(victim) ? servers.filter(({ busy }) => busy).length : 0;
      if (victim.busy || others > 1 || (others > 0 && !random.chance(0.1))) continue;
      victim.busy = true;
      ledger.count(`${victim.name} ${kind}`);
      tell(`${victim.name} ${kind} for ${ms} ms`);
      const work = hit(victim, kind, ms, over)
        .then(() => tell(`${victim.name} is back`))
        .finally(() => {
          victim.busy = false;
          underWay.delete(work);
        });
      underWay.add(work);
    }
  }
  await Promise.all(underWay);
}

/** Disturbs the nodes' ways to NATS until it is over: cuts them, and lets what is on them be late or be lost, acks too. */
export async function disturb({ lines, random, ledger, over, tell }: Mishaps): Promise<void> {
  const pause = (ms: number) => sleep(ms, undefined, { signal: over }).catch(() => undefined);
  while (!over.aborted) {
    await pause(random.between(1_000, 8_000));
    const { name, line } = random.oneOf(lines);
    const kind = random.weighted({ cut: 3, 'swallows all': 3, 'deliveries late': 2, 'deliveries lost': 2 });
    ledger.count(`${name} ${kind}`);
    tell(`${name} ${kind}`);
    if (kind === 'swallows all') line.swallow();
    const held = kind.startsWith('deliveries') ? line.holdDeliveries() : undefined;
    if (kind !== 'cut') await pause(random.between(50, 3_000));
    if (kind === 'deliveries late') held?.release();
    else if (kind === 'deliveries lost') held?.lose();
    else line.cut();
  }
}

async function hit(victim: Victim, kind: 'killed' | 'paused' | 'restarted', ms: number, over: AbortSignal) {
  const pause = () => sleep(ms, undefined, { signal: over }).catch(() => undefined);
  if (kind === 'paused') {
    victim.freeze();
    await pause();
    victim.thaw();
    return;
  }
  await (kind === 'killed' ? victim.kill() : victim.end());
  await pause();
  await victim.restart();
}
