import { readFileSync } from 'node:fs';

/** Clock ticks in a second: 100 on every Linux that Node runs on (`getconf CLK_TCK`). */
const TICKS = 100;

/** The CPU time that a process has used since its start, in seconds; undefined where there is no /proc. */
export function cpuSeconds(pid: number): number | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // proc(5): the name, field 2, is in brackets and may hold anything; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Reads the CPU time of some processes now; the function that it gives says how much each has used since. */
export function cpuSince<Name extends string>(pids: Readonly<Record<Name, number>>) {
  const names = Object.keys(pids) as Name[];
  const before = names.map((name) => cpuSeconds(pids[name]));
  return (): Partial<Record<Name, number>> => {
    const used = names.flatMap((name, i): [Name, number][] => {
      const [was, is] = [before[i], cpuSeconds(pids[name])];
      return was === undefined || is === undefined ? [] : [[name, is - was]];
    });
    return Object.fromEntries(used) as Partial<Record<Name, number>>;
  };
}
