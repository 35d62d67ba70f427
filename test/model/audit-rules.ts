import { ChainRecord } from '../../actors/auditor/chain-record.js';
import type { ChainCommit, Commit } from '../../events/commit.js';
import type { TowerId } from '../../events/ids.js';
import { rulesOf } from '../support/rules.js';
import type { World } from './world.js';

const towerId = `02${'11'.repeat(32)}` as TowerId;

/** The rules by which an auditor judges a log find nothing wrong with what a tower writes, whatever befell it. */
export function auditRules({ stored }: Pick<World, 'stored'>): string[] {
  const wrong: string[] = [];
  const chain = new ChainRecord(towerId);
  for (const { commit } of stored)
    if (commit.aggregate.kind === 'chain')
      chain.apply(commit as ChainCommit & { position: number }, timeOf(commit), 0, complainer(commit, wrong));
  const { users, breaches, scans } = rulesOf(towerId, chain);
  for (const { commit } of stored) {
    const { aggregate, events, position } = commit;
    const place = { position, time: timeOf(commit), chain, complain: complainer(commit, wrong) };
    if (aggregate.kind === 'user') users.apply(aggregate.id, events as never, place);
    if (aggregate.kind === 'tracker') breaches.apply(aggregate.id, events as never, place);
    if (aggregate.kind === 'scan') scans.apply(events as never, place);
  }
  return wrong;
}

const timeOf = ({ time }: Pick<Commit, 'time'>): number => Date.parse(time);

const complainer =
  ({ aggregate, events, position }: Commit & { readonly position: number }, wrong: string[]) =>
  (what: string, why: string) =>
    wrong.push(`an auditor: ${what} at ${position}, ${aggregate.kind} ${events.map(({ type }) => type)}: ${why}`);
