import type { Config } from '../actors/config.js';
import { keptTowerKey, towerKeyFile, towerOf } from '../actors/secrets.js';
import { ensureStreams } from '../events/log/ensure-streams.js';
import { wantedStreams } from '../events/log/streams.js';
import { printDrift } from './drift.js';
import { withLog } from './log-access.js';
import { printFields, printJson, Table } from './print.js';

/** Makes a tower's log, and its key if there is none; finds the same again if they are there. */
export async function init(config: Config, json: boolean): Promise<void> {
  await withLog(config, async ({ nc, patiently }) => {
    const towerId = towerOf(keptTowerKey(towerKeyFile(config.data)));
    const wish = { network: config.network, towerId, ...config.log };
    const { layout, made, drift } = await patiently(() => ensureStreams(nc, wish));
    const { network, shards, replicas } = layout;
    const fields = { tower_id: towerId, network, shards, replicas };
    const streams = wantedStreams(layout).map(({ name }) => ({
      stream: name,
      made: made.includes(name) ? 'now' : 'before',
    }));
    if (json) return printJson({ ...fields, streams, stream_drift: drift });
    printFields(fields);
    new Table({ STREAM: 'stream', MADE: 'made' }).print(streams);
    printDrift(drift);
  });
}
