import { type NatsConnection, NatsError } from 'nats';
import type { Config } from '../../actors/config.js';
import { about, type Finding, said } from './finding.js';
import { sizeText } from './machine.js';

const { ok, warning, problem } = about('jetstream');

/** So little room in JetStream is a warning, or a problem, in bytes. */
const TIGHT = 1e9;
const FULL = 5e7;
/** What has to go into one message: a block's txids and the largest blob do. */
const MESSAGE = 2 ** 20;
/** What an empty log of one shard takes, of streams; each shard more has two. */
const STREAMS = 7;

/** Whether JetStream is on for the tower's account, and what it may hold. */
export async function examineRoom(nc: NatsConnection, { log }: Config): Promise<Finding[]> {
  const payload = nc.info?.max_payload ?? 0;
  const message =
    payload < MESSAGE
      ? [problem(`the server takes messages of ${payload} bytes at the most`, 'max_payload: 1MB, as nats.conf has it')]
      : [];
  try {
    const jsm = await nc.jetstreamManager({ timeout: 10_000, checkAPI: false });
    const { storage, limits } = await jsm.getAccountInfo();
    const { max_storage: most, max_streams: streams } = limits;
    const wanted = STREAMS + 2 * ((log.shards ?? 1) - 1);
    return [
      ...message,
      roomOf(storage, most),
      ...(streams >= 0 && streams < wanted
        ? [
            problem(
              `the tower's account may have ${streams} streams, and a log takes ${wanted}`,
              `max_streams: ${wanted} or more, or none, in the account's jetstream { ... }`,
            ),
          ]
        : []),
    ];
  } catch (error) {
    if (!(error instanceof NatsError)) throw error;
    return [
      ...message,
      problem(
        `JetStream does not answer (${said(error)})`,
        'jetstream { store_dir: ... } and accounts { TOWER { jetstream: enabled } }, as nats.conf has them; of a cluster, most of the servers have to be up',
      ),
    ];
  }
}

function roomOf(used: number, most: number): Finding {
  if (most < 0) return ok(`JetStream holds ${sizeText(used)}, without a limit for the tower's account`);
  const left = most - used;
  const what = `JetStream has room for ${sizeText(Math.max(0, left))} more (${sizeText(used)} of ${sizeText(most)})`;
  const cure = "a larger max_file in the account's jetstream { ... }, or none";
  if (left < FULL) return problem(`${what}: nothing is accepted when it is full`, cure);
  return left < TIGHT ? warning(what, cure) : ok(what);
}
