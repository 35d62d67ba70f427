import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JetStreamManager } from 'nats';
import type { Shard } from '../../events/ids.js';
import { HeadStore } from '../../events/log/heads.js';
import { EventLog } from '../../events/log/log.js';
import { type LogLayout, wantedStreams } from '../../events/log/streams.js';
import { argus, type Said } from './argus.js';
import { auditorsWay } from './auditor-command.js';
import { type Cleanup, tempDir } from './temp-dir.js';
import { type TestTower, untilLevel } from './tower.js';
import { until } from './until.js';

/** How the operator of a tower archives and trims its log. */
export interface Trimming {
  /** Where the archive is. */
  readonly folder: string;
  /** The flags by which the auditor finds the log, and those of whoever has the tower's keys. */
  readonly auditor: readonly string[];
  readonly owner: readonly string[];
  archive(): Promise<Said>;
  trim(...more: string[]): Promise<Said>;
}

/** Of a tower whose log is on its own server, or at another address. */
export function trimmingOf(
  t: Cleanup,
  tower: Pick<TestTower, 'config' | 'nats'>,
  url: string = tower.nats.url,
  folder: string = join(tempDir(t), 'archive'),
): Trimming {
  const { data } = tower.config;
  mkdirSync(join(data, 'nats'), { recursive: true });
  writeFileSync(join(data, 'nats', 'node.nkey'), `${tower.nats.nodeSeed}\n`, { mode: 0o600 });
  const owner = ['--network', 'regtest', '--data', data, '--nats', url];
  const auditor = auditorsWay(t, { ...tower.nats, url });
  return {
    folder,
    auditor,
    owner,
    archive: () => argus(['archive', folder, '--older-than', '0m', ...auditor]),
    trim: (...more) => argus(['archive', folder, '--trim', '--yes', ...more, ...owner]),
  };
}

/** Resolves when every shard has a head over its last scan, and all blocks are scanned. */
export async function untilSigned(tower: TestTower): Promise<void> {
  await untilLevel(() => tower.node, tower.chain);
  const heads = new HeadStore(await EventLog.open(await tower.nats.connect('node')));
  for (const [shard, state] of tower.node.shards.entries())
    await until(
      `shard ${shard} is signed`,
      async () => (await heads.last(shard as Shard))?.head.treeSize === state.scanVersion,
    );
}

/** Stops the node; resolves when NATS has forgotten that it read the log. */
export async function stopForGood(tower: TestTower, layout: LogLayout): Promise<void> {
  await tower.stopNode();
  await untilUnread(await (await tower.nats.connect('node')).jetstreamManager(), layout);
}

/** Resolves when nobody reads a log any more, as far as NATS knows. */
export async function untilUnread(jsm: JetStreamManager, layout: LogLayout): Promise<void> {
  for (const { name } of wantedStreams(layout))
    await until(`nobody reads ${name}`, async () => (await jsm.streams.info(name)).state.consumer_count === 0);
}
