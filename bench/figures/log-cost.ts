import type { JetStreamManager, NatsConnection, StreamInfo } from 'nats';
import type { Shard } from '../../events/ids.js';
import { blobStream, towerStream } from '../../events/log/streams.js';
import type { Figure, Lab, Measured } from '../figure.js';
import { run } from '../load/load.js';
import { prepare } from '../load/prepared.js';
import { natsWay } from '../load/way.js';
import { round } from '../measure/statistics.js';
import { type Stored, untilStored } from '../measure/store.js';
import { until } from '../measure/wait.js';
import type { Stage } from '../stage/stage.js';
import { registerUsers } from '../stage/users.js';

const USERS = 1_000;
const BLOB_BYTES = 600;
const APPOINTMENTS = 100_000;
/** So many requests are made ready at once. */
const STEP = 10_000;
const SHARD = 0 as Shard;
/** Until a subscription that has just begun is outdated, by the defaults: its duration, grace, and some more. */
const BLOCKS_TO_THE_END = 4_330;
const BLOCKS_AT_ONCE = 433;

/**
 * The information in what an appointment has on the log, in bytes: each value once, in the shortest form that it is
 * handled in, and nothing for what they are called and how they are put together.
 */
const INFORMATION = {
  accepted: {
    user_id: 33,
    commit_id: 16,
    time: 6,
    node: 5,
    event: 1,
    appointment_id: 20,
    locator: 16,
    scheme: 1,
    slots: 4,
    slots_left: 4,
    start_block: 4,
    to_self_delay: 4,
    blob_position: 5,
    blob_sha256: 32,
    blob_size: 4,
    user_signature: 65,
    receipt_signature: 65,
  },
  blob: { user_id: 33, blob: BLOB_BYTES },
};

/**
 * Bytes on the server's disk for each live appointment: its event and its blob, once the server has packed them. The
 * limit is the information in them. The details say what they are made of, and what is left when all of them have ended.
 */
export const logCost: Figure = {
  name: 'log-cost',
  says: `bytes on disk for each appointment with a blob of ${BLOB_BYTES} bytes`,

  async measure(lab) {
    const stage = await lab.stage();
    const nc = await stage.connectNode();
    const jsm = await nc.jetstreamManager({ checkAPI: false });
    const count = Math.min(APPOINTMENTS, lab.options.most);
    const errors = await appoint(stage, count, lab);
    const live = await measureStreams(jsm, stage);
    const parts = await partsOf(jsm);
    lab.say(`live: ${round(live.tower.each)} and ${round(live.blobs.each)} bytes each; ending them`);
    await endAll(stage, nc, count);
    const ended = await measureStreams(jsm, stage);
    return report({ count, live, ended, parts, errors }, stage);
  },
};

/** Puts so many appointments on the log, through the tower's own door. */
async function appoint(stage: Stage, count: number, lab: Lab): Promise<Error[]> {
  const ways = [natsWay(await stage.connectClient())];
  const users = await registerUsers(ways, stage.towerId, USERS);
  const errors: Error[] = [];
  for (let done = 0; done < count; done += STEP) {
    lab.say(`${done} of ${count} appointments`);
    const requests = await prepare(users, Math.min(STEP, count - done), BLOB_BYTES);
    errors.push(...(await run(requests, { inFlight: 256, leadMs: 0, ms: 600_000 })).errors);
  }
  return errors;
}

/** Has every subscription run out. */
async function endAll(stage: Stage, nc: NatsConnection, count: number): Promise<void> {
  for (let mined = 0; mined < BLOCKS_TO_THE_END; mined += BLOCKS_AT_ONCE) {
    await stage.chain.mine(BLOCKS_AT_ONCE);
    await stage.untilScanned();
  }
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  const left = async () => (await jsm.streams.info(blobStream(SHARD))).state.messages;
  await until(`all ${count} blobs are erased`, async () => (await left()) === 0, 300_000);
}

interface Streams {
  readonly tower: Stored & Pick<StreamInfo, 'state'>;
  readonly blobs: Stored & Pick<StreamInfo, 'state'>;
}

async function measureStreams(jsm: JetStreamManager, { folder }: Stage): Promise<Streams> {
  const of = async (name: string) => {
    const info = await jsm.streams.info(name);
    return { ...(await untilStored(folder, info)), state: info.state };
  };
  return { tower: await of(towerStream(SHARD)), blobs: await of(blobStream(SHARD)) };
}

/** What the newest message of each stream is made of, in bytes, before it is packed. */
async function partsOf(jsm: JetStreamManager) {
  const of = async (name: string) => {
    const { state } = await jsm.streams.info(name);
    const { data, subject, header } = await jsm.streams.getMessage(name, { seq: state.last_seq });
    const headers = [...header].reduce((sum, [name, values]) => sum + `${name}: ${values}\r\n`.length, 0);
    const all = state.bytes / state.messages;
    const unframed = data.length + subject.length + headers;
    return { message: round(all), data: data.length, subject: subject.length, headers, framing: round(all - unframed) };
  };
  return { event: await of(towerStream(SHARD)), blob: await of(blobStream(SHARD)) };
}

interface Found {
  readonly count: number;
  readonly live: Streams;
  readonly ended: Streams;
  readonly parts: Awaited<ReturnType<typeof partsOf>>;
  readonly errors: readonly Error[];
}

function report({ count, live, ended, parts, errors }: Found, { tower }: Stage): Measured {
  const informationIn = (values: Readonly<Record<string, number>>) => Object.values(values).reduce((sum, n) => sum + n);
  const [event, blob] = [informationIn(INFORMATION.accepted), informationIn(INFORMATION.blob)];
  return {
    value: live.tower.each + live.blobs.each,
    unit: 'bytes',
    limit: event + blob,
    errors,
    details: {
      appointments: count,
      event_bytes: round(live.tower.each),
      event_information: event,
      event_ratio: round(live.tower.each / event),
      blob_bytes: round(live.blobs.each),
      blob_information: blob,
      blob_ratio: round(live.blobs.each / blob),
      unpacked: parts,
      ended_event_bytes: round((ended.tower.bytes - live.tower.bytes) / count),
      ended_blob_bytes: round(ended.blobs.bytes / count),
      commits: ended.tower.state.messages,
      tower_complaints: tower.complaints().length,
    },
  };
}
