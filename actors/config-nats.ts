import { join } from 'node:path';
import type { ServerTrust } from '../events/log/connection.js';
import { ConfigError } from './config-sources.js';

/** The settings of a node and of commands that have to do with NATS. */

export interface NatsConfig {
  /** Undefined when the node is to start and own a server. */
  readonly url: string | undefined;
  readonly nodeNkeyFile: string;
  readonly operatorNkeyFile: string;
  readonly auditorNkeyFile: string;
  /** PEM: by whom the servers of `url` have to be certified, if it is not by somebody whom the system trusts. */
  readonly caFile: string | undefined;
  /** Where an owned server listens. */
  readonly host: string;
  readonly port: number;
  /** PEM files; with them an owned server takes TLS only. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Where an owned server takes websockets, too: the clients' server if there is one. */
  readonly websocket: { readonly host: string; readonly port: number } | undefined;
  /** The servers that clients come to, if they are others than those with the log. */
  readonly clientsUrl: string | undefined;
  /** Where a second owned server listens, for clients alone. */
  readonly clientsListen: { readonly host: string; readonly port: number } | undefined;
}

/** As the file has them. */
export interface NatsSettings {
  readonly url?: string | undefined;
  readonly nkey_file?: string | undefined;
  readonly ca_file?: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly cert_file?: string | undefined;
  readonly key_file?: string | undefined;
  readonly websocket?: NatsConfig['websocket'];
  readonly clients_url?: string | undefined;
  readonly clients_listen?: NatsConfig['clientsListen'];
}

/** Throws `ConfigError` for what does not go together. */
export function natsOf(settings: NatsSettings, data: string): NatsConfig {
  const { url, nkey_file: nkeyFile, ca_file: caFile, cert_file: certFile, key_file: keyFile, websocket } = settings;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new ConfigError('nats: TLS needs both cert_file and key_file');
  if (websocket && certFile === undefined && !isLoopback(websocket.host))
    throw new ConfigError(
      'nats: a websocket needs cert_file and key_file, or is on 127.0.0.1, behind a proxy that has TLS',
    );
  const { clients_url: clientsUrl, clients_listen: clientsListen } = settings;
  if (clientsListen && (url ?? clientsUrl) !== undefined)
    throw new ConfigError(
      'nats: clients_listen is for a node that starts its own servers; with nats.url or nats.clients_url there is none of its own for clients',
    );
  const nkeyOf = (who: string) => nkeyFile ?? join(data, 'nats', `${who}.nkey`);
  return {
    url,
    nodeNkeyFile: nkeyOf('node'),
    operatorNkeyFile: nkeyOf('operator'),
    auditorNkeyFile: nkeyOf('auditor'),
    caFile,
    host: settings.host,
    port: settings.port,
    tls: certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined,
    websocket,
    clientsUrl,
    clientsListen,
  };
}

const isLoopback = (host: string): boolean => ['127.0.0.1', '::1', 'localhost'].includes(host);

/** The servers to connect to, with commas between them: those of `url`, else the node's own. */
export function natsServers({ url, host, port, tls }: NatsConfig): string {
  return url ?? ownUrl(host, port, tls);
}

/** The servers where clients come in, with commas between them, and how those are known: others than the log's, or the same. */
export function clientsServers(nats: NatsConfig): {
  readonly servers: string;
  readonly trust: ServerTrust | undefined;
} {
  const { clientsUrl, clientsListen, tls, caFile } = nats;
  if (clientsUrl !== undefined)
    return { servers: clientsUrl, trust: caFile === undefined ? undefined : { caFile, isOwn: false } };
  const servers = clientsListen ? ownUrl(clientsListen.host, clientsListen.port, tls) : natsServers(nats);
  return { servers, trust: natsTrust(nats) };
}

function ownUrl(host: string, port: number, tls: NatsConfig['tls']): string {
  const there = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${tls ? 'tls' : 'nats'}://${there.includes(':') ? `[${there}]` : there}:${port}`;
}

/** How those are known to be the right ones, over TLS: the node's own by its certificate, whatever name that is for. */
export function natsTrust({ url, tls, caFile }: NatsConfig): ServerTrust | undefined {
  if (url === undefined && tls) return { caFile: tls.certFile, isOwn: true };
  return caFile === undefined ? undefined : { caFile, isOwn: false };
}
