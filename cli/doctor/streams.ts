import { existsSync } from 'node:fs';
import type { JetStreamManager, NatsConnection } from 'nats';
import { weaknesses } from '../../actors/alarms.js';
import type { Config } from '../../actors/config.js';
import { whenReady } from '../../actors/nats-connection.js';
import { streamReports } from '../../actors/operator-desk/stream-report.js';
import { existingTowerKey, towerKeyFile, towerOf } from '../../actors/secrets.js';
import {
  ImportUnfinishedError,
  type LogReading,
  readLog,
  readStream,
  TrimUnfinishedError,
} from '../../events/log/ensure-streams.js';
import { isHarmless, isIdentity, lineOf, type StreamDifference } from '../../events/log/stream-drift.js';
import { CHAIN } from '../../events/log/streams.js';
import { about, type Finding, said } from './finding.js';

const { ok, warning, problem, unknown } = about('log');

/** How long a cluster may take to elect its leaders, in ms. */
const READY_MS = 10_000;

/** The log's streams: that all are there that were, that each is what it should be, and that their copies are. */
export async function examineStreams(nc: NatsConnection, config: Config): Promise<Finding[]> {
  const jsm = await nc.jetstreamManager({ timeout: 10_000, checkAPI: false });
  try {
    return await whenReady(
      () => examine(jsm, config),
      () => {},
      performance.now() + READY_MS,
    );
  } catch (error) {
    if (error instanceof TrimUnfinishedError) return [problem(error.message, 'argus archive FOLDER --trim')];
    if (error instanceof ImportUnfinishedError) return [problem(error.message, 'argus import')];
    return [unknown(`the log's streams cannot be read (${said(error)})`)];
  }
}

async function examine(jsm: JetStreamManager, config: Config): Promise<Finding[]> {
  const chain = await readStream(jsm, CHAIN);
  const towerId = ownTower(config) ?? '';
  const reading = await readLog(jsm, { network: config.network, towerId, ...config.log });
  const found = reading.streams.flatMap((stream) => (stream.found ? [stream.wanted.name] : []));
  if (!chain && found.length === 0 && reading.missing.length === 0)
    return [ok('there is no log so far: argus up and argus init make it')];
  const reports = await streamReports(jsm, found);
  const findings = [
    ...reading.missing.map((name) =>
      problem(
        `${name} is missing, with all that it held`,
        'restore the store of the NATS server; nothing is made in its place',
      ),
    ),
    ...reading.drift.map((difference) =>
      towerId === '' && difference.field === 'argus.tower' ? noKey(difference) : drifted(difference),
    ),
    ...reports
      .flatMap((report) => weaknesses(report))
      .map((line) =>
        warning(line, 'bring the NATS server back that is away, or wait until it is level; argus cluster shows it'),
      ),
  ];
  return findings.length > 0 ? findings : [ok(whole(reading, found))];
}

const whole = ({ layout }: LogReading, found: readonly string[]): string =>
  `all ${found.length} streams are there and as they should be: ${layout.shards} shard${layout.shards === 1 ? '' : 's'}, replicas ${layout.replicas}`;

/** Undefined where there is no key that can be read, which is said of its file. */
function ownTower({ data }: Config): string | undefined {
  const file = towerKeyFile(data);
  try {
    return existsSync(file) ? towerOf(existingTowerKey(file)) : undefined;
  } catch {
    return undefined;
  }
}

const noKey = ({ is }: StreamDifference): Finding =>
  problem(
    `the log is that of tower ${is}, whose key this node has not got`,
    'argus key import FILE, of a file that argus key export wrote on another node',
  );

function drifted(difference: StreamDifference): Finding {
  const what = lineOf(difference);
  return isHarmless(difference) ? warning(what, 'argus migrate') : problem(what, cureOf(difference));
}

/** Whose log it is, nothing can change; what this node was told, can. */
function cureOf(difference: StreamDifference): string {
  const { field, is } = difference;
  if (field === 'argus.network') return `network = "${is}" in argus.toml, or another NATS server`;
  if (field === 'argus.shards') return 'leave log.shards (--shards) out: the log has it';
  if (field === 'num_replicas') return 'leave log.replicas (--replicas) out, or argus migrate --replicas N';
  return isIdentity(difference) ? 'argus key import FILE: the key of the tower whose log it is' : 'argus migrate';
}
