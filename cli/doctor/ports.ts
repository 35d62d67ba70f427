import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { createServer } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Config } from '../../actors/config.js';
import { about, type Finding, said } from './finding.js';

/** A place to listen at. */
interface Place {
  readonly host: string;
  readonly port: number;
  readonly setting: string;
}

const PATIENCE_MS = 3_000;

/** The doors of the node: whether it can listen there, or does; and the certificates of those that have TLS. */
export async function examineDoors({ http, metrics, nats }: Config): Promise<Finding[]> {
  const doors = http.listen.map((place) => ({
    ...place,
    setting: `http.${place.dialect ? `${place.dialect}_` : ''}listen`,
  }));
  const found = [
    ...doors.map((place) => addressesOf('http', place, () => isDoor(place, '/ping', http.tls !== undefined, ''))),
    ...(metrics.listen ? [metrics.listen] : []).map((listen) => {
      const place = { ...listen, setting: 'metrics.listen' };
      return addressesOf('metrics', place, () => isDoor(place, '/health', false, 'ok'));
    }),
  ];
  return [
    ...(await Promise.all(found)),
    ...(http.tls ? certificateOf('http', http.tls) : []),
    ...(nats.url === undefined && nats.tls ? certificateOf('nats', nats.tls) : []),
  ];
}

/** Whether a place is free to listen at, or `isOurs`: held by a running node. */
export async function addressesOf(
  area: string,
  { host, port, setting }: Place,
  isOurs?: () => Promise<boolean>,
): Promise<Finding> {
  const { ok, problem } = about(area);
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const other = `${setting} = "..." in argus.toml`;
  const probe = createServer();
  try {
    probe.listen({ host, port, exclusive: true });
    await once(probe, 'listening');
    return ok(`${place} is free`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : said(error);
    if (code === 'EADDRINUSE' && (await isOurs?.())) return ok(`a node answers at ${place}`);
    if (code === 'EADDRINUSE') return problem(`another program listens at ${place}`, `stop it, or ${other}`);
    if (code === 'EACCES') return problem(`this user may not listen at ${place}`, `a port above 1023: ${other}`);
    return problem(`nobody can listen at ${place} (${code}): it is no address of this machine`, other);
  } finally {
    probe.close();
  }
}

/** Whether a door of a node answers there: with 200 and such a text. */
function isDoor({ host, port }: Place, path: string, isTls: boolean, text: string): Promise<boolean> {
  const there = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const options = { host: there, port, path, timeout: PATIENCE_MS, agent: false, rejectUnauthorized: false };
  return new Promise((resolve) => {
    const asked = (isTls ? tlsRequest : request)(options, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (part) => {
        body += part;
        if (body.length > 1_000) answer.destroy();
      });
      answer.on('close', () => resolve(answer.statusCode === 200 && body.trim() === text));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.end();
  });
}

const DAY = 86_400_000;
/** How long before its end a certificate is talked of. */
const SOON = 14 * DAY;

function certificateOf(
  area: string,
  { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
): Finding[] {
  const { ok, warning, problem } = about(area);
  const cure = `${area}.cert_file and ${area}.key_file in argus.toml: the chain and its key, in PEM`;
  try {
    const cert = readFileSync(certFile);
    createSecureContext({ cert, key: readFileSync(keyFile) });
    const { validFrom, validTo } = new X509Certificate(cert);
    const left = Date.parse(validTo) - Date.now();
    if (Date.parse(validFrom) > Date.now())
      return [problem(`the certificate in ${certFile} is valid from ${validFrom} on`, 'wait, or set the clock')];
    if (left < 0) return [problem(`the certificate in ${certFile} ended at ${validTo}`, 'renew it')];
    if (left < SOON) return [warning(`the certificate in ${certFile} ends at ${validTo}`, 'renew it')];
    return [ok(`the certificate in ${certFile} is valid until ${validTo}`)];
  } catch (error) {
    return [problem(`TLS cannot be used: ${said(error)}`, cure)];
  }
}
