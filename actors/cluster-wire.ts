import { z } from 'zod';

/** What the nodes tell the operator of themselves and of the log's streams. Shared by both ends. */

/** Every node is an instance of this NATS service. */
export const NODE_SERVICE = 'argus-node';

/** The subjects: every node answers `nodes`, any one answers `streams`. */
export const clusterSubjects = {
  nodes: 'argus.operator.v1.nodes',
  streams: 'argus.operator.v1.streams',
} as const;

const whole = z.number().int();

/** A shard as a node that is to serve it has it. */
const ServedShard = z.looseObject({
  shard: whole,
  state: z.enum(['replaying', 'ready']),
  /** The last commit in the node's state, and the last one on the log; null where not known. */
  position: whole.nullable(),
  tail: whole.nullable(),
  /** The highest block of the best chain whose breaches are all on the log. */
  scanned_height: whole.nullable(),
  /** How often the node tried to append since the shard was started, and how often another node had been faster. */
  appends: whole.optional(),
  conflicts: whole.optional(),
  /** The last commit in the newest snapshot that the node made or began with; null if there is none. */
  snapshot_position: whole.nullable().optional(),
});

/** A bitcoind as it answered its node just now; null for what it did not say. */
export const BitcoindReport = z.looseObject({
  reachable: z.boolean(),
  /** Such as `/Satoshi:29.1.0/`. */
  version: z.string().nullable(),
  height: whole.nullable(),
  peers: whole.nullable(),
  pruned: z.boolean().nullable(),
  /** The time in the header of its newest block, in seconds since 1970. */
  block_time: whole.nullable().optional(),
});
export type BitcoindReport = z.infer<typeof BitcoindReport>;

/** A line over which a bitcoind publishes something to its node (ZMQ). */
const ZmqReport = z.looseObject({
  topic: z.string(),
  connected: z.boolean(),
  /** How long ago something came over it; null if nothing did yet. */
  silent_seconds: z.number().nullable(),
});
export type ZmqReport = z.infer<typeof ZmqReport>;

/** What a node says of itself. */
export const NodeReport = z.looseObject({
  node: z.string(),
  version: z.string(),
  /** `replaying`: not level with the log yet, or again; it answers no client for what it has not folded. */
  state: z.enum(['replaying', 'ready', 'stopping']),
  uptime_seconds: whole,
  /** How long it took to be level with the log; null until it is. */
  start_seconds: z.number().nullable().optional(),
  /** The NATS server that it is connected to; null while it is to none. */
  nats_server: z.string().nullable(),
  /** How many shards the tower has. */
  tower_shards: whole,
  shards: z.array(ServedShard),
  /** The best chain on the log, as far as the node has folded it. */
  chain: z.looseObject({
    position: whole,
    tail: whole.nullable(),
    height: whole.nullable(),
    hash: z.string().nullable(),
    snapshot_position: whole.nullable().optional(),
  }),
  bitcoind: BitcoindReport,
  zmq: z.array(ZmqReport).optional(),
  /** Whether its operator has it drain: it takes no requests, and goes on watching. A node of before does not say. */
  draining: z.boolean().optional(),
  /** How many requests it is answering. */
  requests_under_way: whole.optional(),
  /** How it is set, by the names of the settings. */
  limits: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
  /** Of the disk that the node's folder is on. */
  disk: z.looseObject({ free_bytes: z.number(), size_bytes: z.number() }).nullable().optional(),
});
export type NodeReport = z.infer<typeof NodeReport>;

/** A copy of a stream beside its leader's. */
const StreamPeer = z.looseObject({
  name: z.string(),
  current: z.boolean(),
  offline: z.boolean(),
  /** How many entries of the replication log it is behind. */
  lag: whole,
});

/** A stream of the log, as its leader tells. */
export const StreamReport = z.looseObject({
  stream: z.string(),
  /** Null if no server leads the stream, or none answers: then nothing is accepted on it. */
  leader: z.string().nullable(),
  messages: whole.nullable(),
  bytes: whole.nullable(),
  replicas: whole.nullable(),
  /** How many copies are up to date, the leader's among them. */
  replicas_current: whole.nullable(),
  peers: z.array(StreamPeer),
});
export type StreamReport = z.infer<typeof StreamReport>;

/** Answer to `streams`. */
export const StreamsAnswer = z.looseObject({ streams: z.array(StreamReport) });
