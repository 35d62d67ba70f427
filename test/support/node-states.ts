import { type NatsConnection, RequestStrategy } from 'nats';
import { nodeSubjects, StateAnswer } from '../../actors/wire.js';
import { until } from './until.js';

/** What each of so many nodes says that it made of the log, in the order of their names; fewer, if not all answer soon. */
export async function askStates(operator: NatsConnection, nodes: number): Promise<StateAnswer[]> {
  const options = { strategy: RequestStrategy.Count, maxMessages: nodes, maxWait: 3_000 } as const;
  const answers: StateAnswer[] = [];
  for await (const answer of await operator.requestMany(nodeSubjects.state, '', options))
    answers.push(StateAnswer.parse(answer.json()));
  return answers.sort((a, b) => (a.node < b.node ? -1 : 1));
}

/** Where a node stands in each stream, as text. */
export const positionsOf = ({ chain, shards }: StateAnswer): string =>
  [chain, ...shards].map(({ position }) => position).join();

/** Resolves with what they say as soon as all stand at the same positions, if `isDue` says so of them. */
export async function untilLevelStates(
  operator: NatsConnection,
  nodes: number,
  isDue = (_positions: string) => true,
): Promise<StateAnswer[]> {
  let level: StateAnswer[] = [];
  await until(`${nodes} nodes stand at the same positions`, async () => {
    level = await askStates(operator, nodes);
    const [positions = '', ...others] = new Set(level.map(positionsOf));
    return level.length === nodes && others.length === 0 && isDue(positions);
  });
  return level;
}
