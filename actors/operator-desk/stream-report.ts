import type { JetStreamManager, StreamInfo } from 'nats';
import type { StreamReport } from '../cluster-wire.js';

/** How the streams of the log are, each as its leader tells; one without a leader says nothing. */
export const streamReports = (jsm: JetStreamManager, names: readonly string[]): Promise<StreamReport[]> =>
  Promise.all(
    names.map(async (stream) => {
      const info = await jsm.streams.info(stream).catch(() => undefined);
      return info ? reportOf(stream, info) : unknown(stream);
    }),
  );

const unknown = (stream: string): StreamReport => ({
  stream,
  leader: null,
  messages: null,
  bytes: null,
  replicas: null,
  replicas_current: null,
  peers: [],
});

function reportOf(stream: string, { state, config, cluster }: StreamInfo): StreamReport {
  const peers = (cluster?.replicas ?? []).map(({ name, current, offline, lag }) => ({
    name,
    current: current && !offline,
    offline: offline ?? false,
    lag: lag ?? 0,
  }));
  const leader = cluster?.leader ?? null;
  return {
    stream,
    leader,
    messages: state.messages,
    bytes: state.bytes,
    replicas: config.num_replicas,
    replicas_current: Number(leader !== null) + peers.filter(({ current }) => current).length,
    peers,
  };
}
