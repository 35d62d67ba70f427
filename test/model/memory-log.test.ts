import { describe } from 'node:test';
import type { Shard } from '../../events/ids.js';
import { towerStream } from '../../events/log/streams.js';
import { logContract } from '../contract/log.js';
import { MemoryLog, MemoryStreams } from './memory-log.js';
import { DirectWire } from './wire.js';

describe('the log in memory', () => {
  logContract(async () => {
    const wire = new DirectWire();
    return {
      log: new MemoryLog(new MemoryStreams(), wire),
      stream: towerStream(0 as Shard),
      loseAcks: async () => {
        wire.losesAcks = true;
        return async () => {
          wire.losesAcks = false;
        };
      },
      outage: async () => {
        const back = wire.goAway();
        return async () => back();
      },
    };
  });
});
