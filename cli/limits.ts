import { Command } from 'commander';
import { z } from 'zod';
import type { NodeReport } from '../actors/cluster-wire.js';
import { LimitName } from '../events/policy.js';
import { notUnderstood, wholeNumber } from './arguments.js';
import { connectOperator, type Operator, OperatorError } from './operator.js';
import { printJson, Table } from './print.js';
import { addWhereabouts, configOf } from './settings.js';

/** `argus limits`: how much the tower takes, of whom, and how much of that is used; and where that is changed, for all nodes at once. */
export function addLimitsCommand(program: Command): void {
  addWhereabouts(program.command('limits [name=value...]'))
    .description(
      'how much the tower takes, of whom, and how much of that is used; or change it, for all nodes, while they run',
    )
    .option('--json', 'one line of JSON')
    .addHelpText(
      'after',
      `
Limits are settings of each node (limits.* in argus.toml). What is set here goes before them, is on the log, and holds on every node, also
on those that are started later, until NAME=own leaves it to the nodes again. Of a rate, 0 is no limit.
Examples:
  argus limits
  argus limits max_users=500 registrations_per_minute=5
  argus limits max_users=own`,
    )
    .action(async (...given: unknown[]) => {
      const command = given.at(-1);
      if (!(command instanceof Command)) throw new TypeError('no command');
      const wanted = command.args.map((text) => changeOf(text));
      const operator = await connectOperator(configOf(command));
      try {
        if (wanted.length > 0) await change(operator, Object.fromEntries(wanted));
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

/** `max_users=500` as the log has it. Throws `CommanderError`. */
function changeOf(text: string): [LimitName, number | null] {
  const [name = '', value = ''] = text.split('=', 2);
  const known = CHANGEABLE.get(name);
  if (known === undefined)
    throw notUnderstood(
      `no limit ${name.slice(0, 50)} can be changed; there are ${Array.from(CHANGEABLE.keys()).join(', ')}`,
    );
  return [known, value === 'own' ? null : wholeNumber(name, value, 0xffffffff, name === 'max_slots_per_user' ? 1 : 0)];
}

const CHANGEABLE = new Map(
  LimitName.options.map((name) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), name]),
);

/** A node of before would meet on the log what it does not know, and end: then nothing is changed. */
async function change(operator: Operator, limits: object): Promise<void> {
  const { nodes, silent } = await operator.everyNode();
  const older = nodes.filter((node) => node.limits === undefined).map(({ node }) => node);
  if (older.length > 0)
    throw new OperatorError(`limits on the log would end nodes of an older version: upgrade ${older.join(', ')} first`);
  if (silent.length > 0) throw new OperatorError(`${silent.join(', ')} did not say of which version it is: try again`);
  await operator.ask('setLimits', { limits });
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
