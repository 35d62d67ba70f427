import type { Msg, NatsConnection } from 'nats';

/** What a consumer sends on its own behalf, between the messages of its stream. */
export interface Control {
  /** The subject to be answered on, or the server sends no more. */
  readonly answer: string | undefined;
  /** How many messages the consumer has sent before it; undefined if it does not tell. */
  readonly sent: number | undefined;
}

/** Who hears what a consumer sends. */
export interface Listener {
  readonly onDelivery: (subject: string, data: Uint8Array, reply: string | undefined) => void;
  readonly onControl: (control: Control) => void;
  /** Called once, if nothing can come any more. A line of the client's is kept by the client. */
  readonly onEnd: (error: Error) => void;
}

/** The way that a consumer's messages come. */
export interface Line {
  /** Sends a message without a body. */
  publish(subject: string): void;
  close(): void;
}

/** A subscription of the client's. */
export function clientLine(nc: NatsConnection, subject: string, listener: Omit<Listener, 'onEnd'>): Line {
  const receive = (message: Msg) => {
    const { data, reply } = message;
    // Headers are read where there is nothing else: to read those that a commit was appended with takes as long as the rest.
    const headers = data.length === 0 ? message.headers : undefined;
    if (headers?.code === 100)
      listener.onControl(controlOf(reply, headers.get('Nats-Consumer-Stalled'), headers.get('Nats-Last-Consumer')));
    else listener.onDelivery(message.subject, data, reply);
  };
  const subscription = nc.subscribe(subject, { callback: (_, message) => receive(message) });
  return { publish: (to) => nc.publish(to), close: () => subscription.unsubscribe() };
}

/** From the reply subject of a flow control request, or what a heartbeat says in its headers; empty where it says nothing. */
export const controlOf = (reply: string | undefined, stalled: string, sent: string): Control => ({
  answer: reply || stalled || undefined,
  sent: sent ? Number(sent) : undefined,
});
