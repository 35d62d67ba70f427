import type { Config } from '../actors/config.js';
import { clientsServers } from '../actors/config-nats.js';
import { shownUrl } from '../actors/shown-url.js';
import { targetsOf } from '../actors/tor/onion-service.js';

/** What is told of a node that is up. */
export interface UpNode {
  readonly towerId: string;
  readonly natsUrl: string;
  readonly httpUrls: readonly string[];
  readonly webUrl: string | undefined;
  /** Where an onion service is asked for: its name, `xyz.onion`, if tor serves it by now. */
  readonly onion?: { readonly host: string | undefined } | undefined;
}

/** Where a node that is up is reached, and how: a line for each way. Passwords that may be in addresses are not in it. */
export function greeting(config: Config, { towerId, natsUrl, httpUrls, webUrl, onion }: UpNode): string {
  const { url, tls, caFile, websocket } = config.nats;
  const where = [`--network ${config.network}`, `--data ${JSON.stringify(config.data)}`];
  const nats = shownUrl(natsUrl);
  // A server of the node's own that has TLS is known by the settings alone.
  if (url !== undefined || !tls) where.push(`--nats ${nats}`);
  if (url !== undefined && caFile !== undefined) where.push(`--nats-ca ${JSON.stringify(caFile)}`);
  const [scheme, host] = [tls ? 'wss' : 'ws', websocket?.host.includes(':') ? `[${websocket.host}]` : websocket?.host];
  const register = (place: string) => `registertower ${towerId}@${place}`;
  return [
    `Tower ${towerId} on ${config.network} is up.`,
    `  clients   ${shownUrl(clientsServers(config.nats).servers)}   argus.v1.register, .add_appointment, .get_appointment, .get_subscription_info, .info`,
    ...(websocket && url === undefined
      ? [`  clients   ${scheme}://${host}:${websocket.port}   the same, over websockets`]
      : []),
    ...httpUrls.map((one, i) => {
      const dialect = config.http.listen[i]?.dialect;
      return `  clients   ${one}   TEOS, ${dialect ? `${dialect} clients` : 'both generations'}: ${register(placeOf(one))}`;
    }),
    ...(onion ? httpUrls.map((url) => throughTor(url, onion.host, register)) : []),
    ...(httpUrls.length > 0 && httpUrls.every(isLoopback) && !onion
      ? ['            from this machine alone, unless http.listen says otherwise, or a proxy or tor leads there']
      : []),
    `  operator  argus info ${where.join(' ')}`,
    ...(webUrl ? [`  page      ${webUrl}   argus web prints the way in`] : []),
    '',
  ].join('\n');
}

function throughTor(url: string, host: string | undefined, register: (place: string) => string): string {
  if (host === undefined) return '  clients   no onion service yet: the log says why, and when there is one';
  const [target] = targetsOf([url]);
  const place = `${host}:${target?.port}`;
  return `  clients   ${url.startsWith('https:') ? 'https' : 'http'}://${place}   the same, through tor: ${register(place)}`;
}

/** As a client says it; HOST is whatever name or address of the machine the client can reach. */
const placeOf = (url: string): string => url.replace(/^https?:\/\//, '').replace(/^(0\.0\.0\.0|\[::\]):/, 'HOST:');

const isLoopback = (url: string): boolean => /^https?:\/\/(127\.|\[::1\]|localhost:)/.test(url);
