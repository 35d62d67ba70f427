import type { Shard } from '../../events/ids.js';
import { towerStream } from '../../events/log/streams.js';
import type { Lab } from '../figure.js';
import { auditReadRate } from '../limits/audit-read.js';
import { bareConsumeRates } from '../limits/bare-consume.js';
import { AuditCommand } from '../load/audit-command.js';
import { median, round } from '../measure/statistics.js';
import { LongLog } from './long-log.js';
import type { Stage } from './stage.js';

const EVENTS = 1_000_000;
const USERS = 1_000;
const STREAM = towerStream(0 as Shard);

/** A long log of a tower that is up, and an auditor's command. */
export interface AuditedLog {
  readonly stage: Stage;
  readonly command: AuditCommand;
  /** How many events a command reads. */
  readonly events: number;
}

export async function auditedLog(lab: Lab): Promise<AuditedLog> {
  const stage = await lab.stage({ snapshots: false });
  await stage.tower.stop();
  const log = new LongLog(await stage.connectNode());
  const count = Math.min(EVENTS, lab.options.most);
  lab.say(`putting ${count} appointments on the log`);
  await log.register(USERS);
  await log.growTo(count);
  // A node makes the consumers that an auditor reads by.
  await stage.startTower();
  await stage.tower.untilReady();
  return { stage, command: new AuditCommand(stage), events: USERS + count };
}

/** Messages a second that can be read of it, by each way there is, with nothing done to them. */
export async function bareRates({ stage, command }: AuditedLog) {
  const { push, pull } = await bareConsumeRates(await stage.connectNode(), STREAM);
  const source = await command.open();
  try {
    return { push, pull, audit: await auditReadRate(source, STREAM) };
  } finally {
    await source.close();
  }
}

export type BareRates = Awaited<ReturnType<typeof bareRates>>;

export const fastest = ({ push, pull, audit }: BareRates): number => Math.max(push, pull, audit);

/** Commands and limit are measured so often, by turns, since the machine is shared. */
export const TURNS = 3;

/** What turns of a command and its limit come to. */
export const ofTurns = (turns: readonly { readonly value: number; readonly limit: number }[]) => ({
  value: median(turns.map(({ value }) => value)),
  unit: 'events/s',
  limit: median(turns.map(({ limit }) => limit)),
  errors: [],
});

export const rounded = (rates: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, round(rate)]));
