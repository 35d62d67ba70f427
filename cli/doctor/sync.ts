import type { NatsConnection } from 'nats';
import { z } from 'zod';
import { about, type Finding } from './finding.js';

const { ok, problem, unknown } = about('nats');

/** Where NATS servers have their monitoring by habit. */
export const MONITORING_PORT = 8222;

const ALWAYS = 'sync_interval: always in the jetstream { ... } of its configuration, as nats.conf has it';

const Varz = z.object({
  server_id: z.string(),
  jetstream: z.object({
    config: z.object({ sync_interval: z.number().optional(), sync_always: z.boolean().optional() }).optional(),
  }),
});

/**
 * Whether a server syncs what it acknowledges. It says so on its monitoring port alone, which is off unless its operator wants
 * it; what answers there has to be that very server.
 */
export async function syncOf(nc: NatsConnection, port: number): Promise<Finding> {
  const server = nc.getServer();
  const varz = await fetch(`http://${server.replace(/:\d+$/, '')}:${port}/varz`, { signal: AbortSignal.timeout(2_000) })
    .then((answer) => answer.json())
    .catch(() => undefined);
  const { data } = Varz.safeParse(varz);
  if (data?.server_id !== nc.info?.server_id || !data)
    return unknown(
      `whether ${server} has each message on its disk before it acknowledges it cannot be seen from here`,
      `see that there is ${ALWAYS}`,
    );
  return data.jetstream.config?.sync_always
    ? ok(`${server} has each message on its disk before it acknowledges it`)
    : problem(
        `${server} acknowledges messages that are not on its disk yet: a power loss takes what the tower has signed`,
        ALWAYS,
      );
}
