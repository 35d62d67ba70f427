import type { NatsConnection } from 'nats';
import type { Shard, TowerId } from '../../events/ids.js';
import { towerStream, wantedStreams } from '../../events/log/streams.js';

/** One message at a time, durably, by the bare client, into a stream configured like the tower's. */
export class DurableAppend {
  #count = 0;

  /** Makes the stream. `nc` may do everything. */
  static async prepare(nc: NatsConnection, towerId: TowerId): Promise<DurableAppend> {
    const like = wantedStreams({ network: 'regtest', towerId, shards: 1, replicas: 1 });
    const config = like.find(({ name }) => name === towerStream(0 as Shard));
    const jsm = await nc.jetstreamManager({ checkAPI: false });
    await jsm.streams.add({ ...config, name: 'BENCH_ONE', subjects: ['bench.one.*'] });
    return new DurableAppend(nc);
  }

  private constructor(private readonly nc: NatsConnection) {}

  async append(data: Uint8Array): Promise<void> {
    await this.nc.request(`bench.one.${this.#count++ % 100}`, data, { timeout: 10_000 });
  }
}
