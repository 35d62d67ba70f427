import { readFileSync } from 'node:fs';

/** proc(5), /proc/<pid>/status: the resident memory of a process in bytes, its highest ever, and what of it no file backs. */
export function residentMemory(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const bytes = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]);
  return { resident: bytes('VmRSS'), highest: bytes('VmHWM'), anonymous: bytes('RssAnon') };
}
