import { connect, type Socket } from 'node:net';
import { type NatsConnection, nkeys } from 'nats';
import { z } from 'zod';
import { controlOf, type Line, type Listener } from './line.js';
import { type WireMessage, WireParser } from './wire-parser.js';

/** The server did not take us, or broke the connection. */
export class LineBrokenError extends Error {
  readonly code = 'line-broken';
}

const Info = z.object({ nonce: z.string().optional() });
const OPENING_MS = 2_000;

/**
 * Opens a connection to the same server for one subscription, for reading very many messages: the client's own way takes
 * several times as long over each of them as there is to do. It knows only what that needs of the protocol, is not made
 * anew when it breaks, and does not speak TLS: whoever uses it goes on by the client then.
 *
 * Resolves when the server has taken the subscription.
 */
export function openBulkLine(nc: NatsConnection, seed: string, subject: string, listener: Listener): Promise<Line> {
  const [host, port] = hostAndPort(nc.getServer());
  return new Promise((resolve, reject) => {
    let isGreeted = false;
    let isOpen = false;
    let isOver = false;
    const end = (error: Error) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      socket.destroy();
      if (isOpen) listener.onEnd(error);
      else reject(error);
    };
    const line: Line = {
      publish: (to) => void socket.write(`PUB ${to} 0\r\n\r\n`),
      close: () => {
        isOver = true;
        socket.destroy();
      },
    };
    const onLine = (text: string) => {
      if (text.startsWith('INFO ') && !isGreeted) {
        isGreeted = true; // the server may tell of changes to what it has said
        socket.write(greeting(text.slice(5), seed, subject));
      } else if (text === 'PING') socket.write('PONG\r\n');
      else if (text.startsWith('-ERR')) end(new LineBrokenError(text));
      else if (text === 'PONG' && !isOpen) {
        isOpen = true;
        clearTimeout(timer);
        resolve(line);
      }
    };
    const parser = new WireParser({
      onLine,
      onMessage: (message) => {
        if (!isOver) tell(listener, message);
      },
    });
    const read = (count: number) => {
      try {
        parser.read(count);
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)));
      }
      return true;
    };
    const socket: Socket = connect({ host, port, onread: { buffer: () => parser.room(), callback: read } });
    const timer = setTimeout(() => end(new LineBrokenError(`${host}:${port} does not answer`)), OPENING_MS);
    socket.setNoDelay(true);
    socket.on('error', (error) => end(error));
    socket.on('close', () => end(new LineBrokenError('the server closed the connection')));
  });
}

function tell(listener: Listener, { subject, reply, headers, data }: WireMessage): void {
  const text = data.length === 0 ? Buffer.from(headers).toString('latin1') : '';
  if (!text.startsWith('NATS/1.0 100')) listener.onDelivery(subject, data, reply);
  else
    listener.onControl(controlOf(reply, headerIn(text, 'Nats-Consumer-Stalled'), headerIn(text, 'Nats-Last-Consumer')));
}

const headerIn = (text: string, name: string): string =>
  new RegExp(`^${name}: *(.*?) *\\r$`, 'im').exec(text)?.[1] ?? '';

/** What is said to a server that has said its `INFO`: who we are, what we listen to; it answers `PONG` when it took both. */
function greeting(info: string, seed: string, subject: string): string {
  const { nonce } = Info.parse(JSON.parse(info));
  const pair = nkeys.fromSeed(new TextEncoder().encode(seed));
  const sig = nonce && Buffer.from(pair.sign(new TextEncoder().encode(nonce))).toString('base64url');
  const about = { verbose: false, pedantic: false, headers: true, no_responders: true, protocol: 1 };
  const program = { lang: 'argus', version: '1', name: 'argus replay', nkey: pair.getPublicKey(), sig };
  return `CONNECT ${JSON.stringify({ ...about, ...program })}\r\nSUB ${subject} 1\r\nPING\r\n`;
}

/** Of `host:port`, where the host may be an IPv6 address in brackets. */
function hostAndPort(server: string): [host: string, port: number] {
  const colon = server.lastIndexOf(':');
  return [server.slice(0, colon).replace(/^\[|\]$/g, ''), Number(server.slice(colon + 1))];
}

/** Whether a server can be reached so. */
export const takesBulkLines = ({ info }: NatsConnection): boolean => !info?.tls_required && !info?.tls_available;
