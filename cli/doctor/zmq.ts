import { Subscriber } from 'zeromq';
import { z } from 'zod';
import type { BitcoindRpc } from '../../actors/bitcoind/rpc.js';
import { understood } from '../../actors/bitcoind/rpc-errors.js';
import type { Config } from '../../actors/config.js';
import type { SettingPath } from '../../actors/config-sources.js';
import { inTime } from '../../actors/runtime/in-time.js';
import { about, type Finding } from './finding.js';

const { ok, warning, problem } = about('zmq');

/** How long a connection may take, in ms. */
const CONNECT_MS = 3_000;

/** What bitcoind says that it publishes, and where. */
const Notifications = z.array(z.object({ type: z.string(), address: z.string() }));
type Notifications = z.infer<typeof Notifications>;

/** What a node hears from bitcoind. */
interface Topic {
  /** As bitcoind calls it: `pubhashblock`. */
  readonly type: 'pubhashblock' | 'pubsequence';
  readonly setting: string;
  readonly url: string | undefined;
  /** What becomes of it without. */
  readonly without: string;
}

/** Whether bitcoind publishes what the node is to hear, where the node listens. */
export async function examineZmq({ bitcoind }: Config, rpc: BitcoindRpc): Promise<Finding[]> {
  const answer = await rpc.call('getzmqnotifications');
  const published = understood('getzmqnotifications', () => Notifications.parse(answer));
  const topics: Topic[] = [
    {
      type: 'pubhashblock',
      setting: 'bitcoind.zmq_hashblock',
      url: bitcoind.zmqHashblock,
      without: `new blocks are found by asking every ${bitcoind.pollSeconds} s, and not at once`,
    },
    {
      type: 'pubsequence',
      setting: 'bitcoind.zmq_sequence',
      url: bitcoind.zmqSequence,
      without: 'breaches are answered once they are mined, and not in the mempool already',
    },
  ];
  const host = new URL(bitcoind.url).hostname;
  return Promise.all(topics.map((topic) => examine(topic, published, host)));
}

async function examine(
  { type, setting, url, without }: Topic,
  published: Notifications,
  host: string,
): Promise<Finding> {
  const reachable = published.filter((one) => one.type === type).map(({ address }) => addressFrom(address, host));
  const [first] = reachable;
  const here = first && `${setting} = "${first}" in argus.toml`;
  const there = (address: string) => `zmq${type}=${address} in bitcoin.conf, and start bitcoind anew`;
  if (url === undefined) {
    const off = `${setting} is not set: ${without}`;
    return warning(
      off,
      here ?? `${there('tcp://127.0.0.1:28332')}; ${setting} = "tcp://127.0.0.1:28332" in argus.toml`,
    );
  }
  if (first === undefined) return problem(`bitcoind does not publish ${type.slice(3)}: ${without}`, there(url));
  const isThere = await answers(url, type.slice(3));
  if (reachable.some((address) => samePort(address, url)))
    return isThere
      ? ok(`bitcoind publishes ${type.slice(3)} at ${url}`)
      : problem(
          `nobody answers at ${url} (${setting}), though bitcoind publishes ${type.slice(3)} at ${first}`,
          here ?? '',
        );
  const isOthers = published.some(({ address }) => samePort(address, url));
  const elsewhere = `bitcoind publishes ${type.slice(3)} at ${reachable.join(', ')}, and not at ${url} (${setting})`;
  // A port may be another one on this side of a container.
  if (isThere && !isOthers) return warning(`${elsewhere}, where something answers all the same`, here ?? '');
  return problem(`${elsewhere}: ${without}`, here ?? '');
}

/** Where bitcoind publishes what a node wants to hear, as settings. */
export async function publishedTopics(url: string, rpc: BitcoindRpc): Promise<Record<SettingPath, string>> {
  const answer = await rpc.call('getzmqnotifications');
  const published = understood('getzmqnotifications', () => Notifications.parse(answer));
  const { hostname } = new URL(url);
  const found = [
    ['bitcoind.zmq_hashblock', 'pubhashblock'],
    ['bitcoind.zmq_sequence', 'pubsequence'],
  ].flatMap(([setting = '', type]) => {
    const address = published.find((one) => one.type === type)?.address;
    return address === undefined ? [] : [[setting, addressFrom(address, hostname)]];
  });
  return Object.fromEntries(found);
}

/** Where a publisher is reached that listens on all of its machine's addresses. */
const addressFrom = (address: string, host: string): string =>
  address.replace(/^tcp:\/\/(?:0\.0\.0\.0|\*|\[::\]):/, `tcp://${host}:`);

/** The port of `tcp://...`, or all of an `ipc://` path. */
const placeOf = (url: string): string => /^tcp:.*:(\d+)$/.exec(url)?.[1] ?? url;
const samePort = (one: string, other: string): boolean => placeOf(one) === placeOf(other);

/** Whether there is a publisher. */
async function answers(url: string, topic: string): Promise<boolean> {
  const subscriber = new Subscriber({ linger: 0, reconnectInterval: 100 });
  try {
    const handshake = new Promise<true>((resolve) => subscriber.events.on('handshake', () => resolve(true)));
    subscriber.connect(url);
    subscriber.subscribe(topic);
    return (await inTime(handshake, CONNECT_MS)) ?? false;
  } finally {
    subscriber.close();
  }
}
