import { Command } from 'commander';
import { z } from 'zod';
import type { NodeReport } from '../actors/cluster-wire.js';
import { connectOperator } from './operator.js';
import { printJson, Table } from './print.js';
import { addWhereabouts, configOf } from './settings.js';

/** `argus limits`: how much the tower takes, of whom, as its nodes are set, and how much of that is used. */
export function addLimitsCommand(program: Command): void {
  addWhereabouts(program.command('limits'))
    .description('how much the tower takes, of whom, as each node is set, and how much of that is used')
    .option('--json', 'one line of JSON')
    .addHelpText(
      'after',
      '\nLimits are settings of each node (limits.* in argus.toml): where nodes differ, each keeps its own.\nExample:\n  argus limits',
    )
    .action(async (...given: unknown[]) => {
      const command = given.at(-1);
      if (!(command instanceof Command)) throw new TypeError('no command');
      const operator = await connectOperator(configOf(command));
      try {
        const [{ nodes }, info] = await Promise.all([operator.everyNode(), operator.ask('info')]);
        const { users, watched_appointments: appointments } = Held.parse(info);
        const limits = limitsOf(nodes, { max_users: users, max_appointments: appointments });
        if (command.opts().json === true) printJson({ limits });
        else print(limits, nodes.length);
      } finally {
        await operator.close();
      }
    });
}

const Held = z.looseObject({ users: z.number(), watched_appointments: z.number() });

/** One limit of some nodes that have it alike. */
interface Limit {
  readonly limit: string;
  readonly value: string | number;
  readonly nodes: readonly string[];
  /** How much of it is used by the whole tower, where that can be said. */
  readonly used: number | null;
}

function limitsOf(nodes: readonly NodeReport[], used: Readonly<Record<string, number>>): Limit[] {
  const found = new Map<string, Limit>();
  for (const { node, limits = {} } of nodes)
    for (const [limit, value] of Object.entries(limits)) {
      const key = `${limit} ${value}`;
      const before = found.get(key)?.nodes ?? [];
      found.set(key, { limit, value, nodes: [...before, node], used: used[limit] ?? null });
    }
  return Array.from(found.values()).toSorted((a, b) => a.limit.localeCompare(b.limit));
}

function print(limits: readonly Limit[], nodes: number): void {
  const columns = { LIMIT: 'limit', VALUE: 'value', USED: 'used', NODES: 'nodes' };
  const rows = limits.map((each) => ({ ...each, nodes: each.nodes.length === nodes ? 'all' : each.nodes.join(', ') }));
  new Table(columns).print(rows);
}
