import { connect, type Socket } from 'node:net';
import { type NatsConnection, nkeys } from 'nats';
import { z } from 'zod';
import { type WireMessage, WireParser } from './wire-parser.js';

/** The server did not take us, or broke the connection. */
export class LineBrokenError extends Error {
  readonly code = 'line-broken';
}

/** Who hears what comes over a wire line. */
export interface WireListener {
  /** Its bytes are good until it returns. */
  readonly onMessage: (message: WireMessage) => void;
  /** Called once, if nothing can come any more. */
  readonly onEnd: (error: Error) => void;
}

export interface WireLine {
  /** Sends a message; without data it has no body. */
  publish(subject: string, reply?: string, data?: string): void;
  close(): void;
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
export function openWireLine(
  nc: NatsConnection,
  seed: string,
  subject: string,
  listener: WireListener,
): Promise<WireLine> {
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
    const line: WireLine = {
      publish: (to, reply, data = '') => {
        const size = Buffer.byteLength(data);
        socket.write(`PUB ${to} ${reply === undefined ? '' : `${reply} `}${size}\r\n${data}\r\n`);
      },
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
        if (!isOver) listener.onMessage(message);
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
export const takesWireLines = ({ info }: NatsConnection): boolean => !info?.tls_required && !info?.tls_available;
