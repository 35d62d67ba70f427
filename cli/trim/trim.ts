import type { Way } from '../../actors/auditor/tower-fold.js';
import type { Config } from '../../actors/config.js';
import { existingTowerKey, towerKeyFile, towerKeyOf } from '../../actors/secrets.js';
import { EventLog } from '../../events/log/log.js';
import { towerStream } from '../../events/log/streams.js';
import { isConfirmed } from '../confirm.js';
import { Opener } from '../kept-key.js';
import { withLog } from '../log-access.js';
import { printJson, Table } from '../print.js';
import { type ShardPlan, Trimmer } from './trimmer.js';

export interface TrimOptions {
  readonly folder: string;
  /** Trims without asking. */
  readonly yes: boolean;
  readonly json: boolean;
  readonly way: Way;
  /** Called with how many messages more will be read, and before anything is written to the terminal. */
  readonly expect: (messages: number) => void;
  readonly pause: () => void;
}

/** What changes a stream may take its time, in ms. */
const CHANGE_MS = 60_000;

/**
 * `argus archive --trim`: rebuilds the streams of the shards without what is archived and nobody needs any more, with a node's
 * key and the tower's, while no node runs. The log's first identity signs it, whichever is in force. Gives the exit status.
 */
export async function trim(config: Config, { folder, yes, json, way, expect, pause }: TrimOptions): Promise<number> {
  const key = towerKeyOf(await new Opener(config).open(existingTowerKey(towerKeyFile(config.data))));
  try {
    return await withLog(config, async ({ nc }) => {
      const log = await EventLog.open(nc);
      const jsm = await nc.jetstreamManager({ timeout: CHANGE_MS, checkAPI: false });
      const trimmer = await Trimmer.open({ log, jsm, folder, key, network: config.network, way, expect });
      const plans = await trimmer.plan();
      pause();
      if (!json) printPlans(plans);
      if (plans.length > 0 && !yes && !(await isConfirmed('Rebuild them?'))) {
        process.stderr.write('argus: nothing was changed\n');
        return 1;
      }
      for (const plan of plans) {
        const stream = towerStream(plan.shard);
        const tell = (step: string) => {
          pause();
          if (!json) process.stdout.write(`${step} ${stream}\n`);
        };
        const { state } = await trimmer.trim(plan, tell);
        pause();
        if (json) printJson({ ...rowOf(plan), messages: state.messages, bytes: state.bytes });
        else process.stdout.write(`trimmed ${stream}: ${state.messages} messages, ${state.bytes} bytes\n`);
      }
      return 0;
    });
  } finally {
    key.wipe();
  }
}

const rowOf = ({ shard, cut, kept, before }: ShardPlan) => ({
  stream: towerStream(shard),
  cut,
  kept: kept.length,
  trimmed_before: before,
});

function printPlans(plans: readonly ShardPlan[]): void {
  if (plans.length === 0) {
    process.stdout.write('nothing to be trimmed: what is archived was trimmed before, or matters still\n');
    return;
  }
  const columns = { STREAM: 'stream', 'UP TO': 'cut', KEPT: 'kept', 'TRIMMED BEFORE': 'trimmed_before' };
  new Table(columns).print(plans.map(rowOf));
}
