import { readFileSync } from 'node:fs';

/** Clock ticks in a second: 100 on every Linux that Node runs on (`getconf CLK_TCK`). */
const TICKS = 100;

/** CPU time in seconds; undefined where there is no /proc. */
export interface CpuUsed<Name extends string> {
  readonly by: Readonly<Record<Name, number>>;
  /** Everything else on the machine, the kernel's own work included: what was measured beside much of it is noise. */
  readonly byOthers: number;
  /** How long was looked at. */
  readonly seconds: number;
}

/** Reads the CPU time of some processes now, of which one may have two names; the function that it gives says how much each has used since. */
export function cpuSince<Name extends string>(pids: Readonly<Record<Name, number>>): () => CpuUsed<Name> | undefined {
  const begun = performance.now();
  const before = readCpu(Object.values(pids));
  return () => {
    const after = readCpu(Object.values(pids));
    if (!before || !after) return undefined;
    const used = after.processes.map((ticks, i) => (ticks - (before.processes[i] ?? 0)) / TICKS);
    const ofEach = Array.from(new Map(Object.values<number>(pids).map((pid, i) => [pid, used[i] ?? 0])).values());
    const all = (after.machine - before.machine) / TICKS;
    return {
      by: Object.fromEntries(Object.keys(pids).map((name, i) => [name, used[i]])) as Record<Name, number>,
      byOthers: Math.max(0, all - ofEach.reduce((sum, one) => sum + one, 0)),
      seconds: (performance.now() - begun) / 1000,
    };
  };
}

function readCpu(pids: readonly number[]) {
  try {
    return { machine: machineTicks(), processes: pids.map(processTicks) };
  } catch {
    return undefined;
  }
}

/** proc(5), /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; all but idling, waiting and stolen time. */
function machineTicks(): number {
  const [cpu = ''] = readFileSync('/proc/stat', 'latin1').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = cpu.split(/ +/).slice(1).map(Number);
  return user + nice + system + irq + softirq;
}

/** proc(5), /proc/<pid>/stat: utime and stime are fields 14 and 15; the name, field 2, is in brackets and may hold anything. */
function processTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
