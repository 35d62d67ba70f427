import type { Command } from 'commander';
import type { NodeReport } from '../actors/cluster-wire.js';
import type { Nodes } from '../actors/every-node.js';
import { notUnderstood } from './arguments.js';
import { isConfirmed } from './confirm.js';
import { connectOperator, type Operator, OperatorError } from './operator.js';
import { printJson } from './print.js';
import { addWhereabouts, configOf } from './settings.js';
import { untilGone } from './until-gone.js';

/** `argus drain`, `undrain` and `stop`: what the operator has a node do. */
export function addDutyCommands(program: Command): void {
  for (const [order, description] of [
    ['drain', 'have a node take no more requests, before it is upgraded; it goes on watching and answering breaches'],
    ['undrain', 'have a drained node take requests again'],
  ] as const)
    addWhereabouts(program.command(`${order} [node]`))
      .description(description)
      .option('--json', 'one line of JSON')
      .addHelpText('after', `${FORGOTTEN}\nExample:\n  argus ${order} one`)
      .action((...given) =>
        asking(given, async (operator, { args }, json) => {
          const { node } = theNode(await operator.everyNode(), args[0]);
          const report = await operator.order(order, node);
          if (json) printJson(report);
          else print(saidOf(report));
        }),
      );
  addWhereabouts(program.command('stop [node]'))
    .description(
      'end a node once it has answered what is under way, or with --all all nodes; waits until they are gone',
    )
    .option('--all', 'all nodes: nobody watches then')
    .option('--yes', 'also if nobody watches then; else that is asked at the terminal')
    .option('--json', 'one line of JSON for each node that is gone')
    .addHelpText(
      'after',
      '\nWhat starts a node anew whenever it ends, such as systemd with Restart=always, does so here, too.\nExample:\n  argus stop two',
    )
    .action((...given) => asking(given, stop));
}

const FORGOTTEN = '\nA node forgets it when it ends: the one that is started in its place takes requests.';

async function stop(operator: Operator, command: Command, json: boolean): Promise<void> {
  const { all = false, yes = false } = command.opts<{ all?: boolean; yes?: boolean }>();
  const there = await operator.everyNode();
  if (all && command.args.length > 0) throw notUnderstood('either a node is named, or --all');
  const names = all ? there.nodes.map(({ node }) => node) : [theNode(there, command.args[0]).node];
  const left = there.nodes.filter(({ node, state }) => !names.includes(node) && state === 'ready').length;
  if (left === 0 && !yes) {
    const question = `No other node of this tower is ready: nobody will watch. Stop ${names.join(', ')}?`;
    if (!process.stdin.isTTY) throw new OperatorError(`${question} Say --yes`);
    if (!(await isConfirmed(question))) throw new OperatorError('nothing was stopped');
  }
  for (const node of names) {
    const report = await operator.order('stop', node);
    if (!json) print(`${node} ends; it waits for ${waitsFor(report)}`);
  }
  await untilGone(operator, names, (node) => {
    if (json) printJson({ node, stopped: true });
    else print(`${node} is gone`);
  });
}

/** The node that is meant: the one of that name, or the only one there is. */
function theNode({ nodes, silent }: Nodes, name: string | undefined): NodeReport {
  const known = [...nodes.map(({ node }) => node), ...silent].join(', ');
  const found = nodes.filter(({ node }) => name === undefined || node === name);
  const [only] = found;
  if (only && found.length === 1) return only;
  if (name === undefined) throw notUnderstood(`say which node: there are ${known}`);
  throw new OperatorError(
    found.length > 1 ? `several nodes are called ${name}` : `no node ${name} answers; there are ${known}`,
  );
}

function saidOf({ node, draining, requests_under_way: underWay = 0 }: NodeReport): string {
  if (!draining) return `${node} takes requests`;
  return `${node} takes no requests${underWay > 0 ? `, and is answering ${requests(underWay)} still` : ''}; it goes on watching`;
}

const waitsFor = ({ requests_under_way: underWay = 0 }: NodeReport): string =>
  underWay > 0 ? `${requests(underWay)} under way, and for what it is appending` : 'what it is appending';

const requests = (count: number): string => (count === 1 ? '1 request' : `${count} requests`);

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function asking(
  given: readonly unknown[],
  act: (operator: Operator, command: Command, json: boolean) => Promise<void>,
): Promise<void> {
  const command = given.at(-1) as Command;
  const operator = await connectOperator(configOf(command));
  try {
    await act(operator, command, command.opts().json === true);
  } finally {
    await operator.close();
  }
}
