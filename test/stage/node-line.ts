import type { NatsServer } from '../../cli/servers/nats-server.js';
import { type NatsProxy, startNatsProxy } from '../support/nats-proxy.js';
import type { Cleanup } from '../support/temp-dir.js';

/** A node's way to NATS that a test can disturb: a line to each server, all of which are treated alike. */
export interface NodeLine extends Pick<NatsProxy, 'swallow' | 'cut'> {
  /** For the node, with commas between them. */
  readonly url: string;
  holdDeliveries(): { release(): void; lose(): void };
}

/** Servers of a cluster have to be started with `--no_advertise`, or the node learns the direct way from them. */
export async function startNodeLine(t: Cleanup, servers: readonly NatsServer[]): Promise<NodeLine> {
  const lines = await Promise.all(servers.map(({ port }) => startNatsProxy(t, port)));
  const each = (act: (line: NatsProxy) => void) => () => {
    for (const line of lines) act(line);
  };
  return {
    url: lines.map(({ url }) => url).join(','),
    swallow: each((line) => line.swallow()),
    cut: each((line) => line.cut()),
    holdDeliveries: () => {
      const held = lines.map((line) => line.holdDeliveries());
      return {
        release: () => {
          for (const one of held) one.release();
        },
        lose: () => {
          for (const one of held) one.lose();
        },
      };
    },
  };
}
