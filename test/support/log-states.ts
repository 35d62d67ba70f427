import type { NatsConnection } from 'nats';
import { CHECKPOINTS } from '../../events/log/streams.js';
import { until } from './until.js';

/** What is on each stream of a log with one shard, once its head is signed: until the next block the tower writes no more by itself. */
export async function logStates(node: NatsConnection): Promise<() => Promise<Record<string, object>>> {
  const jsm = await node.jetstreamManager();
  const states = async () => {
    const streams = await jsm.streams.list().next();
    return Object.fromEntries(streams.map(({ config, state }) => [config.name, { ...state, consumer_count: 0 }]));
  };
  await until('the head', async () => (await jsm.streams.info(CHECKPOINTS)).state.messages === 1);
  return states;
}
