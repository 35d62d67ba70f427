import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../actors/config.js';
import { type LogReading, readLog, readStream } from '../events/log/ensure-streams.js';
import { changeSetting, inChangingOrder, isWhole, readCopies, type StreamCopies } from '../events/log/migration.js';
import { isIdentity, type StreamDifference, StreamDriftError, textOf } from '../events/log/stream-drift.js';
import { CHAIN } from '../events/log/streams.js';
import { isConfirmed } from './confirm.js';
import { copyLog, printCopy } from './copy-log.js';
import { type LogAccess, withLog } from './log-access.js';
import { OperatorError } from './operator.js';
import { printJson, Table } from './print.js';

export interface MigrateOptions {
  /** Changes without asking. */
  readonly yes: boolean;
  /** Only says what would be changed. */
  readonly dryRun: boolean;
  readonly json: boolean;
  /** The server whose log is to be copied first; undefined to copy none. */
  readonly from: string | undefined;
  /** How long to wait for new copies, in ms. */
  readonly patience: number;
}

/** Makes the streams of a log what they should be, after saying what that is; gives the exit status. */
export async function migrate(config: Config, options: MigrateOptions): Promise<number> {
  return withLog(config, async (log) => {
    if (options.from !== undefined && !(await copyFrom(options.from, log, config, options)))
      return options.dryRun ? 0 : 1;
    const reading = await log.patiently(() => readOurs(log, config));
    const changes = inChangingOrder(reading);
    if (options.json && options.dryRun)
      for (const change of changes) printJson({ ...planOf(change), outcome: 'planned' });
    if (!options.json) printPlan(reading, changes);
    if (options.dryRun) return 0;
    if (!(await mayChange(changes.length, options))) return 1;
    const refused = await change(log, changes, options);
    if (refused > 0) process.stderr.write(`argus: ${refused} of ${changes.length} settings could not be changed\n`);
    // What was refused would be waited for in vain.
    const behind = refused > 0 ? [] : await waitForCopies(log, reading, options);
    for (const copies of behind) process.stderr.write(`argus: ${progressOf(copies)}; NATS goes on with it\n`);
    return refused > 0 || behind.length > 0 ? 1 : 0;
  });
}

/** Copies the log of another server; false if it was not to be done. */
async function copyFrom(from: string, log: LogAccess, config: Config, options: MigrateOptions): Promise<boolean> {
  return copyLog(config, from, log, {
    confirm: async (streams) => {
      if (!options.json) printCopy(from, streams);
      return !options.dryRun && mayChange(streams.length, options);
    },
    copied: (stream) => {
      if (options.json) printJson({ stream, outcome: 'copied' });
      else process.stdout.write(`copied ${stream}\n`);
    },
  });
}

/** Reads the log, which must be one, of this network, and with all of its streams. */
async function readOurs({ jsm }: LogAccess, { network, log }: Config): Promise<LogReading> {
  const chain = await readStream(jsm, CHAIN);
  if (!chain) throw new OperatorError('there is no log here; `argus init` makes one');
  const towerId = chain.config.metadata?.['argus.tower'] ?? '';
  const reading = await readLog(jsm, { network, towerId, ...log });
  const foreign = reading.drift.filter(isIdentity);
  if (foreign.length > 0 || reading.missing.length > 0) throw new StreamDriftError(foreign, reading.missing);
  return reading;
}

/** A change for people and programs. */
const planOf = ({ stream, field, is, wanted }: StreamDifference) => ({
  stream,
  setting: field,
  from: is ?? null,
  to: wanted ?? null,
});

function printPlan({ layout }: LogReading, changes: readonly StreamDifference[]): void {
  const { towerId, network } = layout;
  process.stdout.write(`tower ${towerId} on ${network}: `);
  if (changes.length === 0) return void process.stdout.write('every setting of its streams is as it should be\n');
  process.stdout.write(`${countOf(changes.length, 'setting')} of its streams to be changed\n`);
  const rows = changes.map(({ stream, field, is, wanted }) => ({
    stream,
    field,
    from: textOf(field, is),
    to: textOf(field, wanted),
  }));
  new Table({ STREAM: 'stream', SETTING: 'field', FROM: 'from', TO: 'to' }).print(rows);
}

/** Whether so many things may be done: because there are none, or that was said, or it is said now. */
async function mayChange(count: number, { yes }: MigrateOptions): Promise<boolean> {
  if (count === 0 || yes || (await isConfirmed(`Do ${count === 1 ? 'it' : `these ${count}`}?`))) return true;
  process.stderr.write('argus: nothing was changed\n');
  return false;
}

/** Makes the changes, one after another; gives how many the server refused. */
async function change(
  { jsm, patiently }: LogAccess,
  changes: readonly StreamDifference[],
  { json }: MigrateOptions,
): Promise<number> {
  let refused = 0;
  for (const difference of changes) {
    const { stream, field } = difference;
    const outcome = await patiently(() => changeSetting(jsm, difference));
    const reason = outcome.kind === 'refused' ? outcome.reason : undefined;
    if (reason !== undefined) refused++;
    if (json) printJson({ ...planOf(difference), outcome: outcome.kind, ...(reason && { reason }) });
    else process.stdout.write(`${outcome.kind} ${stream} ${field}${reason ? `: ${reason}` : ''}\n`);
  }
  return refused;
}

const POLL_MS = 500;

/** Waits until every stream has its copies, and tells how it goes on; gives those that have not when the time is over. */
async function waitForCopies(
  { jsm, patiently }: LogAccess,
  { layout }: LogReading,
  { json, patience }: MigrateOptions,
): Promise<StreamCopies[]> {
  const said = new Set<string>();
  for (const end = performance.now() + patience; ; await sleep(POLL_MS)) {
    const copies = await patiently(() => readCopies(jsm, layout));
    const behind = copies.filter((stream) => !isWhole(stream));
    if (behind.length === 0 && !json)
      process.stdout.write(`${countOf(layout.replicas, 'copy', 'copies')} of every stream, all current\n`);
    if (behind.length === 0 || performance.now() >= end) return behind;
    for (const line of behind.map(progressOf).filter((line) => !said.has(line))) {
      said.add(line);
      if (!json) process.stdout.write(`${line}\n`);
    }
  }
}

const countOf = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

const progressOf = ({ stream, wanted, current, others }: StreamCopies): string =>
  `${stream}: ${current} of ${countOf(wanted, 'copy', 'copies')} current${others > 0 ? `, ${others} being made, unmade or away` : ''}`;
