import { DiscardPolicy, RetentionPolicy, StorageType, StoreCompression, type StreamConfig } from 'nats';
import type { Shard } from '../ids.js';

/** The streams of the log: their names, and what each must be. */

export const CHAIN = 'CHAIN';
export const TXIDS = 'TXIDS';
/** The signed tree heads of all shards, one subject for each. */
export const CHECKPOINTS = 'CHECKPOINTS';
/** The invites and the list of those who need none, which are of no shard. */
export const POLICY = 'POLICY';
/** The bucket of snapshots, and the stream that an object store keeps it in. */
export const SNAPSHOTS = 'SNAPSHOTS';
export const SNAPSHOTS_STREAM = `OBJ_${SNAPSHOTS}`;
export const towerStream = (shard: Shard): string => `TOWER_${shard}`;
/** What is said of a trimmed `TOWER_<shard>`, where there is one: see `trims.ts`. */
export const trimsStream = (shard: Shard): string => `TRIMS_${shard}`;
export const blobStream = (shard: Shard): string => `BLOBS_${shard}`;

/** The shard of a `TOWER_<shard>`; undefined of any other stream. */
export function shardOfStream(stream: string): Shard | undefined {
  const [, number] = /^TOWER_(\d{1,4})$/.exec(stream) ?? [];
  return number === undefined ? undefined : (Number(number) as Shard);
}

/** What a log can do without: it can be read from bitcoind again, or made from the log. */
export const isExpendable = (stream: string): boolean => stream === TXIDS || stream === SNAPSHOTS_STREAM;

/** Whether atomic batches go into a stream: those of the shards, where many users come at once. */
export const takesBatches = (stream: string): boolean =>
  ![CHAIN, CHECKPOINTS, POLICY].includes(stream) && !stream.startsWith('TRIMS_') && !isExpendable(stream);

/** What a log is made with, once, and what every node on it must agree with. */
export interface LogIdentity {
  readonly network: string;
  readonly shards: number;
  readonly towerId: string;
}

export interface LogLayout extends LogIdentity {
  readonly replicas: number;
  /** Whether it has streams that say what was trimmed of its shards. */
  readonly hasTrims?: boolean;
}

/** What a node knows of its log before it has seen it. What is left open the log says, or is 1 when a log is made. */
export interface LogWish {
  readonly network: string;
  readonly towerId: string;
  readonly shards?: number | undefined;
  readonly replicas?: number | undefined;
  /** Of whoever brings another tower: the mark that CHAIN has while that is under way. */
  readonly importing?: string | undefined;
}

export type WantedStream = Partial<StreamConfig> & { name: string; allow_atomic?: boolean };

/** As the NATS object store makes it (ADR-20); the client cannot, for a server that is strict with what it is told. */
const objects = (bucket: string) => ({
  name: `OBJ_${bucket}`,
  subjects: [`$O.${bucket}.C.>`, `$O.${bucket}.M.>`],
  discard: DiscardPolicy.New,
  allow_rollup_hdrs: true,
  allow_direct: true,
});

const DAY = 24 * 60 * 60 * 1_000_000_000;

/** How long a block's txids stay on the log: 14 days, in nanoseconds. */
const TXIDS_WINDOW = 14 * DAY;

/** What the streams of a log must be configured as. */
export function wantedStreams({ replicas, hasTrims = false, ...identity }: LogLayout): WantedStream[] {
  const common = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    num_replicas: replicas,
    // Room is limited for the whole server (`max_file_store`), and readers are as many as they are.
    max_bytes: -1,
    max_msgs: -1,
    max_msg_size: -1,
    max_consumers: -1,
  };
  const kept = {
    // Either would take the oldest messages away, whatever is denied.
    max_age: 0,
    max_msgs_per_subject: -1,
    allow_direct: true,
  };
  const forEver = {
    ...common,
    discard: DiscardPolicy.New,
    deny_delete: true,
    deny_purge: true,
    ...kept,
    // The server packs each block of 8 MB once it is full: names of fields, subjects and ids repeat themselves. Blobs
    // are noise, and what was erased is easier to be sure of in a block that is as it came.
    compression: StoreCompression.S2,
  };
  const shards = Array.from({ length: identity.shards }, (_, shard) => shard as Shard);
  return [
    { ...forEver, name: CHAIN, subjects: ['argus.chain'], metadata: { ...identityMetadata(identity), ...LATER_MARKS } },
    { ...common, name: TXIDS, subjects: ['argus.txids.*'], max_age: TXIDS_WINDOW, max_msgs_per_subject: 1 },
    { ...forEver, name: CHECKPOINTS, subjects: ['argus.checkpoint.*'] },
    { ...forEver, name: POLICY, subjects: ['argus.policy.>'] },
    ...shards.flatMap((shard) => [
      {
        ...forEver,
        name: towerStream(shard),
        subjects: [`argus.${shard}.user.*`, `argus.${shard}.tracker.*`, `argus.${shard}.scan`],
        allow_atomic: true,
      },
      {
        ...common,
        discard: DiscardPolicy.New,
        ...kept,
        name: blobStream(shard),
        subjects: [`argus.${shard}.blob.*`],
        allow_atomic: true,
      },
      ...(hasTrims ? [{ ...forEver, name: trimsStream(shard), subjects: [`argus.trims.${shard}.*`] }] : []),
    ]),
    { ...common, ...objects(SNAPSHOTS), max_age: 0 },
  ];
}

const identityMetadata = ({ network, shards, towerId }: LogIdentity): Record<string, string> => ({
  'argus.network': network,
  'argus.shards': String(shards),
  'argus.tower': towerId,
});

/**
 * The streams that a log did not have from the first version on, and what CHAIN says of one that has them. Of one that was
 * made before, it says nothing.
 */
const LATER: Readonly<Record<string, string>> = { [CHECKPOINTS]: 'argus.heads', [POLICY]: 'argus.policy' };

/** All of those marks. */
export const LATER_MARKS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(LATER).map((mark) => [mark, '1']),
);

export const hasAllMarks = (chain: Partial<StreamConfig>): boolean =>
  Object.entries(LATER_MARKS).every(([key, value]) => chain.metadata?.[key] === value);

/** Whether a stream is one that the log with this CHAIN never had. */
export function isNotYet(stream: string, chain: Partial<StreamConfig>): boolean {
  const mark = LATER[stream];
  return mark !== undefined && chain.metadata?.[mark] !== LATER_MARKS[mark];
}

/** In the metadata of CHAIN while another tower is being imported: which, by the digest of what was read of it. No node starts then. */
export const IMPORTING = 'argus.importing';

/** What CHAIN says of a log of which a shard was ever trimmed: then there is a `TRIMS_<shard>` for each. */
export const HAS_TRIMS = { 'argus.trims': '1' } as const;

const hasTrims = (chain: Partial<StreamConfig> | undefined): boolean =>
  Object.entries(HAS_TRIMS).every(([key, value]) => chain?.metadata?.[key] === value);

/** The layout of a log whose `CHAIN` is `found`; of one to be made when there is none. What is wished goes first. */
export function layoutOf(wish: LogWish, found: Partial<StreamConfig> | undefined): LogLayout {
  const { network, towerId, shards, replicas } = wish;
  return {
    network,
    towerId,
    shards: shards ?? shardsOf(found) ?? 1,
    replicas: replicas ?? found?.num_replicas ?? 1,
    ...(hasTrims(found) && { hasTrims: true }),
  };
}

function shardsOf(chain: Partial<StreamConfig> | undefined): number | undefined {
  const said = chain?.metadata?.['argus.shards'] ?? '';
  return /^[1-9]\d{0,3}$/.test(said) ? Number(said) : undefined;
}
