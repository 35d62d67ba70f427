import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Aggregate, aggregateName, parseAggregate } from './aggregate.js';
import { toHex } from './bytes.js';
import type { ChainEvent } from './chain.js';
import { eventDefinitions, readEvent, type StoredEvent, storeEvent } from './codec.js';
import { type AppointmentId, CommitId, type InviteId, type Position, type UserId } from './ids.js';
import { parseJson } from './json.js';
import type { AllowListEvent, InviteEvent, LimitsEvent } from './policy.js';
import type { ScanEvent } from './scan.js';
import type { TrackerEvent } from './tracker.js';
import type { UserEvent } from './user.js';

/**
 * The unit of the log: the events of one decision of one aggregate, in one message.
 *
 * Its JSON: `{id, aggregate, time, node, events: [{type, v, ...}]}`; `time` is RFC 3339 in UTC with milliseconds, by
 * the clock of the node that wrote it, and nothing is decided by it.
 */
interface Meta {
  readonly id: CommitId;
  readonly time: string;
  /** The name of the node that wrote it. */
  readonly node: string;
}

export type ChainCommit = Meta & { readonly aggregate: { kind: 'chain' }; readonly events: readonly ChainEvent[] };
export type ScanCommit = Meta & { readonly aggregate: { kind: 'scan' }; readonly events: readonly ScanEvent[] };
export type UserCommit = Meta & {
  readonly aggregate: { kind: 'user'; id: UserId };
  readonly events: readonly UserEvent[];
};
export type TrackerCommit = Meta & {
  readonly aggregate: { kind: 'tracker'; id: AppointmentId };
  readonly events: readonly TrackerEvent[];
};

export type InviteCommit = Meta & {
  readonly aggregate: { kind: 'invite'; id: InviteId };
  readonly events: readonly InviteEvent[];
};
export type AllowListCommit = Meta & {
  readonly aggregate: { kind: 'allow-list' };
  readonly events: readonly AllowListEvent[];
};

export type LimitsCommit = Meta & { readonly aggregate: { kind: 'limits' }; readonly events: readonly LimitsEvent[] };

/** What the streams of a shard hold. */
export type ShardCommit = UserCommit | TrackerCommit | ScanCommit;
/** What the stream of those decisions holds that are of no shard. */
export type PolicyCommit = InviteCommit | AllowListCommit | LimitsCommit;
export type Commit = ChainCommit | ShardCommit | PolicyCommit;

/** A commit with its place in its stream, from 1 and without gaps. */
export type Recorded<C extends Commit = Commit> = C & { readonly position: Position };

/** A message of the log that is no commit: damage, or a stranger's hand. */
export class DamagedCommitError extends Error {
  readonly code = 'damaged-commit';
}

/** A commit of `events` by `node`, with a new random id. `now` is in milliseconds since 1970. */
export function newCommit<A extends Aggregate, E>(aggregate: A, events: readonly E[], node: string, now: number) {
  return { id: newId(), aggregate, time: new Date(now).toISOString(), node, events };
}

const ID_BYTES = 16;
let pool: Uint8Array = new Uint8Array();

/** From random bytes that were fetched by the thousand: to ask for sixteen takes as long. */
function newId(): CommitId {
  if (pool.length < ID_BYTES) pool = randomBytes(256 * ID_BYTES);
  const id = toHex(pool.subarray(0, ID_BYTES)) as CommitId;
  pool = pool.subarray(ID_BYTES);
  return id;
}

/** The bytes of a commit, its events checked against their shapes. */
export function encodeCommit(commit: Omit<Commit, 'position'>): Uint8Array {
  const { id, aggregate, time, node, events } = commit;
  if (events.length === 0) throw new TypeError('a commit has at least one event');
  return Buffer.from(
    JSON.stringify({
      id,
      aggregate: aggregateName(aggregate),
      time,
      node,
      events: events.map((event) => storeEvent(event)),
    }),
  );
}

const Envelope = z.strictObject({
  id: CommitId,
  aggregate: z.string(),
  time: z.iso.datetime({ precision: 3 }),
  node: z.string().min(1).max(200),
  events: z.array(z.looseObject({ type: z.string(), v: z.number().int() })).min(1),
});

/**
 * The commit in a message's bytes.
 *
 * Throws `UnknownEventError` if a newer node wrote it, `DamagedCommitError` if it is not a commit at all.
 */
export function decodeCommit(bytes: Uint8Array): Commit {
  const { aggregate: name, events: stored, ...meta } = readEnvelope(bytes);
  const aggregate = parseAggregate(name);
  if (!aggregate) throw new DamagedCommitError(`no such aggregate: ${name.slice(0, 100)}`);
  const events = stored.map((event) => readOwnEvent(aggregate, event));
  return { ...meta, aggregate, events } as Commit;
}

function readEnvelope(bytes: Uint8Array): z.infer<typeof Envelope> {
  try {
    return Envelope.parse(parseJson(bytes));
  } catch (cause) {
    throw new DamagedCommitError('not a commit', { cause });
  }
}

function readOwnEvent(aggregate: Aggregate, stored: StoredEvent): unknown {
  let event: unknown;
  try {
    event = readEvent(stored);
  } catch (cause) {
    if (cause instanceof z.ZodError) throw new DamagedCommitError(`not a ${stored.type}`, { cause });
    throw cause;
  }
  if (eventDefinitions[stored.type]?.of === aggregate.kind) return event;
  throw new DamagedCommitError(`a ${stored.type} among the events of ${aggregateName(aggregate)}`);
}
