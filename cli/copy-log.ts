import type { StreamInfo } from 'nats';
import type { Config } from '../actors/config.js';
import { shownUrl } from '../actors/shown-url.js';
import { copyStream, holdTheSame } from '../events/log/copy-stream.js';
import { readLog, readStream } from '../events/log/ensure-streams.js';
import { isIdentity, StreamDriftError } from '../events/log/stream-drift.js';
import { CHAIN } from '../events/log/streams.js';
import { connectAsNode, type LogAccess } from './log-access.js';
import { OperatorError } from './operator.js';
import { Table } from './print.js';

/** Bringing a whole log from another NATS server, such as the only one that a tower had before it got a cluster. */

/** What `copyLog` asks and tells on the way. */
export interface CopyTalk {
  /** Whether these streams are to be copied; nothing is done before. */
  readonly confirm: (streams: readonly StreamInfo[]) => Promise<boolean>;
  readonly copied: (stream: string) => void;
}

/**
 * Copies the log of the server `from` to where there is none; what is there already as it should be is left. False if that
 * was not confirmed. Rejects with `OperatorError` if a node is at work on the old log, or other streams are in the way.
 */
export async function copyLog(config: Config, from: string, log: LogAccess, talk: CopyTalk): Promise<boolean> {
  const { nc, jsm, patiently } = log;
  const old = await connectAsNode({ ...config, nats: { ...config.nats, url: from } });
  try {
    const source = async () => readSource(config, from, await old.jetstreamManager({ checkAPI: false }));
    const streams = await source();
    const missing: StreamInfo[] = [];
    for (const info of streams) {
      const found = await patiently(() => readStream(jsm, info.config.name));
      if (!found) missing.push(info);
      else if (!holdTheSame(info.state, found.state))
        throw new OperatorError(`there is another ${info.config.name}. ${BEGIN_AGAIN}`);
    }
    if (!(await talk.confirm(missing))) return false;
    for (const { config: stream, state } of missing) {
      if (stream.name === CHAIN) assertSame(streams, await source(), from);
      const replicas = config.log.replicas ?? stream.num_replicas;
      const copy = await copyStream(old, nc, stream.name, replicas).catch((cause) => {
        const why = cause instanceof Error ? cause.message : cause;
        throw new OperatorError(`${stream.name} could not be copied: ${why}. ${BEGIN_AGAIN}`, { cause });
      });
      if (!holdTheSame(state, copy)) throw new OperatorError(`the copy of ${stream.name} differs. ${BEGIN_AGAIN}`);
      talk.copied(stream.name);
    }
    assertSame(streams, await source(), from);
    return true;
  } finally {
    await old.close();
  }
}

/** No stream is ever deleted to make room for a copy: it may be somebody's log. */
const BEGIN_AGAIN = 'A log is copied to servers whose stores are empty: empty those of the new ones, and begin again';

/** What was written while it was copied was not copied. */
function assertSame(before: readonly StreamInfo[], now: readonly StreamInfo[], from: string): void {
  const changed = before.find(({ state }, i) => !now[i] || !holdTheSame(state, now[i].state));
  if (changed)
    throw new OperatorError(
      `${changed.config.name} was written to while it was copied: stop every node on ${shownUrl(from)}. ${BEGIN_AGAIN}`,
    );
}

async function readSource(config: Config, from: string, jsm: LogAccess['jsm']): Promise<StreamInfo[]> {
  const chain = await readStream(jsm, CHAIN);
  if (!chain) throw new OperatorError(`there is no log at ${shownUrl(from)}`);
  const towerId = chain.config.metadata?.['argus.tower'] ?? '';
  const { streams, drift, missing } = await readLog(jsm, { network: config.network, towerId });
  const foreign = drift.filter(isIdentity);
  if (foreign.length > 0 || missing.length > 0) throw new StreamDriftError(foreign, missing);
  const infos = streams.flatMap(({ found }) => found ?? []);
  // Whoever reads the log is a node, or was one some seconds ago. What it writes from now on would be left behind.
  const readers = infos.reduce((sum, { state }) => sum + state.consumer_count, 0);
  if (readers > 0)
    throw new OperatorError(
      `a node is at work on ${shownUrl(from)}: stop every node there, and try again in half a minute`,
    );
  // CHAIN last: where it is, the log is whole.
  return [
    ...infos.filter(({ config }) => config.name !== CHAIN),
    ...infos.filter(({ config }) => config.name === CHAIN),
  ];
}

/** Prints which streams are to be copied, and how much that is. */
export function printCopy(from: string, streams: readonly StreamInfo[]): void {
  process.stdout.write(`${streams.length} streams to be copied from ${shownUrl(from)}\n`);
  const rows = streams.map(({ config, state }) => ({
    stream: config.name,
    messages: state.messages,
    bytes: state.bytes,
  }));
  new Table({ STREAM: 'stream', MESSAGES: 'messages', BYTES: 'bytes' }).print(rows);
}
