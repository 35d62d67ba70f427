import type { JetStreamManager, NatsConnection, StreamConfig } from 'nats';

/** A message of a stream, as whoever has the tower's credentials may publish it anew. */
export interface Kept {
  readonly subject: string;
  readonly data: Uint8Array;
}

/** All messages of a stream. */
export async function keep(jsm: JetStreamManager, stream: string): Promise<Kept[]> {
  const { last_seq: last } = (await jsm.streams.info(stream)).state;
  const found = Array.from({ length: last }, (_, i) => jsm.streams.getMessage(stream, { seq: i + 1 }));
  return (await Promise.all(found)).map(({ subject, data }) => ({ subject, data }));
}

/**
 * Makes a stream anew with these messages, as an operator may who has the credentials of a node; undefined stands for one that is
 * removed and leaves its place empty.
 */
export async function rewrite(nc: NatsConnection, stream: string, messages: readonly (Kept | undefined)[]) {
  const jsm = await nc.jetstreamManager();
  const { config } = await jsm.streams.info(stream);
  await jsm.streams.delete(stream);
  const open: Partial<StreamConfig> = { ...config, deny_delete: false };
  await jsm.streams.add(open);
  for (const message of messages) {
    const { subject, data } = message ?? {
      subject: messages.find((one) => one)?.subject ?? '',
      data: new Uint8Array(1),
    };
    const { seq } = await nc.jetstream().publish(subject, data);
    if (!message) await jsm.streams.deleteMessage(stream, seq);
  }
}
