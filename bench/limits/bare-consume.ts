import { AckPolicy, createInbox, DeliverPolicy, type Msg, type NatsConnection } from 'nats';

/** The consumer that costs the server and the client the least: nothing is acked, nothing is kept. */
const CONSUMER = {
  ack_policy: AckPolicy.None,
  deliver_policy: DeliverPolicy.All,
  mem_storage: true,
  num_replicas: 1,
  inactive_threshold: 60e9,
};
/** How many messages the pull consumer has asked for at the most: the fastest of 1,000, 5,000 and 20,000. */
const ASKED_FOR = 20_000;

/**
 * The bare client, which consumes a stream from its first to its last message and does nothing with them; it looks at no
 * more of each than whether it has a body. Gives messages a second for each way that the client has of it and that is fast.
 */
export async function bareConsumeRates(nc: NatsConnection, stream: string) {
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  const { last_seq: last } = (await jsm.streams.info(stream)).state;
  const rate = async (consume: (nc: NatsConnection, stream: string, last: number) => Promise<void>) => {
    const begun = performance.now();
    await consume(nc, stream, last);
    return last / ((performance.now() - begun) / 1000);
  };
  return { push: await rate(push), pull: await rate(pull) };
}

/** A push consumer with flow control, whose messages a callback counts. */
async function push(nc: NatsConnection, stream: string, last: number): Promise<void> {
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  const deliver_subject = createInbox();
  const config = { ...CONSUMER, deliver_subject, max_deliver: 1, flow_control: true, idle_heartbeat: 2e9 };
  let left = last;
  await new Promise<void>((resolve, reject) => {
    const callback = (_: unknown, message: Msg) => {
      if (message.data.length > 0) left--;
      else control(nc, message);
      if (left > 0) return;
      subscription.unsubscribe();
      resolve();
    };
    const subscription = nc.subscribe(deliver_subject, { callback });
    jsm.consumers.add(stream, config).catch(reject);
  });
}

/** What the server asks for now and then, so as not to send more than the client takes. */
function control(nc: NatsConnection, message: Msg): void {
  if (message.reply) message.respond();
  const stalled = message.headers?.get('Nats-Consumer-Stalled');
  if (stalled) nc.publish(stalled);
}

/** A pull consumer that is asked for large batches, whose messages a callback counts. */
async function pull(nc: NatsConnection, stream: string, last: number): Promise<void> {
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  const { name } = await jsm.consumers.add(stream, CONSUMER);
  const consumer = await nc.jetstream().consumers.get(stream, name);
  let left = last;
  let done = () => {};
  const all = new Promise<void>((resolve) => (done = resolve));
  const callback = () => {
    if (--left === 0) done();
  };
  const messages = await consumer.consume({ max_messages: ASKED_FOR, callback });
  await all;
  messages.stop();
  await messages.closed();
  await consumer.delete();
}
