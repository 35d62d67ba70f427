import type { NatsConnection } from 'nats';
import { controlOf, type Line, type Listener } from './line.js';
import { openWireLine } from './wire-line.js';
import type { WireMessage } from './wire-parser.js';

/** A consumer's messages over a connection of their own; see `openWireLine`. */
export async function openBulkLine(
  nc: NatsConnection,
  seed: string,
  subject: string,
  listener: Listener,
): Promise<Line> {
  const { onEnd } = listener;
  const line = await openWireLine(nc, seed, subject, { onMessage: (message) => tell(listener, message), onEnd });
  return { publish: (to) => line.publish(to), close: () => line.close() };
}

function tell(listener: Listener, { subject, reply, headers, data }: WireMessage): void {
  const text = data.length === 0 ? Buffer.from(headers).toString('latin1') : '';
  if (!text.startsWith('NATS/1.0 100')) listener.onDelivery(subject, data, reply);
  else
    listener.onControl(controlOf(reply, headerIn(text, 'Nats-Consumer-Stalled'), headerIn(text, 'Nats-Last-Consumer')));
}

const headerIn = (text: string, name: string): string =>
  new RegExp(`^${name}: *(.*?) *\\r$`, 'im').exec(text)?.[1] ?? '';
