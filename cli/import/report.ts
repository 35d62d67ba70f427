import { resolve } from 'node:path';
import type { Config } from '../../actors/config.js';
import { towerKeyFile } from '../../actors/secrets.js';
import type { Height, TowerId } from '../../events/ids.js';
import { printFields, printJson, Table } from '../print.js';
import type { Beginning } from './chain-side.js';
import type { OldTower } from './old-tower.js';
import type { Plan } from './plan.js';

/** What an import tells: each thing that is not carried over as it was, and the sums. */

export interface Found {
  /** The old tower's id, which is the new one's. */
  readonly towerId: TowerId;
  /** Those that it had before. */
  readonly former: readonly TowerId[];
  readonly plan: Plan;
  readonly beginning: Beginning;
  readonly height: Height;
  /** What was done; undefined before. */
  readonly outcome?: 'imported' | 'was-imported' | 'refused';
}

interface How {
  readonly json: boolean;
  readonly dryRun: boolean;
}

/** Prints what there is to be done, or, with an `outcome`, what was. */
export function report(found: Found, config: Config, { from, dialect }: OldTower, { json, dryRun }: How): void {
  const { towerId, former, plan, beginning, height, outcome } = found;
  const whole = {
    outcome: outcome ?? 'planned',
    tower_id: towerId,
    network: config.network,
    from,
    dialect,
    users: plan.users.length,
    appointments: plan.appointments,
    trackers: plan.trackers.length - beginning.lost.length,
    left: plan.left.length,
    last_block: beginning.seen?.height ?? null,
    begins_at: beginning.first.connected.height,
    height,
    key: resolve(towerKeyFile(config.data)),
    ...(former.length > 0 && { former_identities: former }),
  };
  if (json) {
    if (!outcome) tellEach(found);
    if (outcome || dryRun) printJson(whole);
    return;
  }
  if (outcome) {
    if (outcome !== 'refused') tellOutcome(found);
    return;
  }
  const { outcome: _, former_identities: __, ...fields } = whole;
  printFields(fields);
  tellNotes(found);
}

function tellEach({ plan }: Found): void {
  for (const left of plan.left) printJson({ outcome: 'left', ...left });
  for (const booked of plan.bookedForNothing) printJson({ outcome: 'noted', ...booked, why: BOOKED });
}

const BOOKED = 'the slots of an appointment that is not there stay booked, as they were';

function tellNotes({ plan: { left, bookedForNothing }, former }: Found): void {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  if (left.length > 0) {
    say(`\n${left.length} cannot be carried over:`);
    new Table({ WHAT: 'kind', ID: 'id', USER: 'user', WHY: 'why' }).print(left.map((one) => ({ ...one })));
    if (left.some(({ penalty_tx }) => penalty_tx !== undefined))
      say('--json has the penalty transactions of trackers, which can be sent by hand.');
  }
  if (bookedForNothing.length > 0) {
    say(`\n${BOOKED}:`);
    new Table({ UUID: 'uuid', USER: 'user' }).print(bookedForNothing.map((one) => ({ ...one })));
  }
  for (const id of former)
    say(
      `\nThe tower had another key before, that of ${id}, with which it has signed nothing since: it stays in the old file.`,
    );
}

function tellOutcome({ outcome, towerId, plan, beginning }: Found): void {
  const { users, appointments, left } = plan;
  const counts = `${users.length} users and ${appointments} appointments`;
  const lines =
    outcome === 'was-imported'
      ? [`Tower ${towerId} was imported before: ${counts} are on its log.`]
      : [
          `Tower ${towerId} is imported: ${counts} are on its log${left.length > 0 ? `, ${left.length} things are left behind` : ''}.`,
          `  begins at   block ${beginning.first.connected.height}; what happened since is looked at when the node starts`,
          '  next        argus up, where its clients look for it; the old tower must not be started again',
        ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
