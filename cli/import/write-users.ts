import { type UserCommand, type UserOutcome, userDecider } from '../../actors/gatekeeper/decisions.js';
import { Transactor } from '../../actors/runtime/transact.js';
import { Turns } from '../../actors/runtime/turns.js';
import type { TowerKey } from '../../actors/secrets.js';
import { shardOf } from '../../actors/shard.js';
import { userAggregate } from '../../events/aggregate.js';
import type { ShardCommit } from '../../events/commit.js';
import { Height, type Shard, type UserId } from '../../events/ids.js';
import { BlobStore } from '../../events/log/blobs.js';
import { towerStream } from '../../events/log/streams.js';
import { Fold } from '../../projections/fold.js';
import { ShardState } from '../../projections/shard-state.js';
import { MOST_SLOTS, withBookings } from '../../projections/user.js';
import { type CheckedAppointment, checkAppointment } from './checked-appointment.js';
import type { MarkedLog } from './import-log.js';
import { ImportError, type OldTower } from './old-tower.js';
import type { PlannedUser } from './plan.js';

/**
 * Users and appointments onto the log, decided by the Gatekeeper's own decider: each user registers with the terms that it
 * had, and each appointment is accepted at the height at which it was. So its receipt is to the byte the one that its user holds.
 *
 * What an attempt before has written is found in the fold, and not written again.
 */

/** How many users are written at once: enough for batches (`events/log/group-commit.ts`). */
const AT_ONCE = 256;
/** How many blobs of a user are on their way at once. */
const BLOBS = 16;
const PATIENCE_MS = 30_000;

interface ShardDesk {
  readonly shard: Shard;
  readonly fold: Fold<ShardCommit, ShardState>;
  readonly transactor: Transactor;
}

export interface Writing {
  readonly tower: OldTower;
  readonly key: Pick<TowerKey, 'sign'>;
  readonly node: string;
  /** A height that is the start of a subscription of which neither the old tower nor an appointment says when it began. */
  readonly seen: number;
  /** Told of each user and appointment that is on the log. */
  readonly written: () => void;
}

/** Rejects with `ImportError`, `LogUnavailableError`, and as the fold of the log does. */
export async function writeUsers(to: MarkedLog, users: readonly PlannedUser[], writing: Writing): Promise<void> {
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => undefined);
  const desks = Array.from({ length: to.shards }, (_, n) => deskOf(to, n as Shard, writing.node, fail));
  const blobs = new BlobStore(to.log);
  const turns = new Turns(AT_ONCE);
  let isOver = false;
  const write = async (user: PlannedUser) => {
    const desk = desks[shardOf(user.userId, to.shards)];
    if (desk && !isOver) await new UserWriter(desk, blobs, user, writing).write();
  };
  try {
    await Promise.race([Promise.all(desks.map(({ fold }) => fold.level())), failed]);
    const all = users.map((user) => turns.take(() => write(user)));
    await Promise.race([Promise.all(all), failed]);
  } finally {
    isOver = true;
    for (const { fold, transactor } of desks) {
      transactor.stop();
      fold.stop();
    }
  }
}

function deskOf({ log }: MarkedLog, shard: Shard, node: string, fail: (error: Error) => void): ShardDesk {
  const fold = new Fold<ShardCommit, ShardState>(log, towerStream(shard), shard, new ShardState(), fail);
  return { shard, fold, transactor: new Transactor(shard, log, fold, node) };
}

class UserWriter {
  readonly #id: UserId;

  constructor(
    private readonly desk: ShardDesk,
    private readonly blobs: BlobStore,
    private readonly user: PlannedUser,
    private readonly writing: Writing,
  ) {
    this.#id = user.userId;
  }

  async write(): Promise<void> {
    const { state } = this.desk.fold;
    if (state.user(this.#id).state.status === 'unknown') await this.#register();
    this.writing.written();
    const { appointments } = this.user;
    for (let at = 0; at < appointments.length; at += BLOBS) {
      const read = await Promise.all(appointments.slice(at, at + BLOBS).map((ref) => this.#read(ref)));
      const isNew = ({ id: appointmentId, locator }: CheckedAppointment) => !state.booked({ appointmentId, locator });
      const stored = await Promise.all(
        read.map(async (one) => ({
          one,
          blob: isNew(one) ? await this.blobs.put(this.desk.shard, this.#id, one.blob) : undefined,
        })),
      );
      for (const { one, blob } of stored) {
        if (blob) await this.#accept(one, blob);
        this.writing.written();
      }
    }
  }

  async #read(ref: unknown): Promise<CheckedAppointment> {
    const { name, fields } = await this.writing.tower.appointment(ref);
    const checked = checkAppointment(fields);
    if (typeof checked !== 'string') return checked;
    throw new ImportError(`appointment ${name} is another one than it was a moment ago: ${checked}`);
  }

  #register(): Promise<void> {
    const { userId, available, taken, start: known, expiry, firstBegan } = this.user;
    const start = Height.parse(known ?? Math.min(firstBegan ?? this.writing.seen, expiry - 1));
    const terms = { slots: available + taken, duration: expiry - start, mostSlots: MOST_SLOTS };
    const never = { full: false, limit: 0, admission: { kind: 'admitted' } } as const;
    const { from: importedFrom, dialect } = this.writing.tower;
    const { sign } = this.writing.key;
    const subscription = { kind: 'register', userId, dialect, height: start, ...terms, ...never } as const;
    return this.#decide({ ...subscription, importedFrom, sign }, 'registered');
  }

  #accept(one: CheckedAppointment, blob: Awaited<ReturnType<BlobStore['put']>>): Promise<void> {
    const { id: appointmentId, locator, toSelfDelay, userSignature, startBlock: height } = one;
    const never = { triggered: false, full: false, limit: 0 } as const;
    const { sign } = this.writing.key;
    const appointment = { appointmentId, locator, toSelfDelay, blob, userSignature, height };
    return this.#decide({ kind: 'add-appointment', ...appointment, ...never, sign }, 'accepted');
  }

  async #decide(command: UserCommand, wanted: UserOutcome['kind']): Promise<void> {
    const outcome = await this.desk.transactor.transact({
      aggregate: userAggregate(this.#id),
      read: (shard) => {
        const { state, version } = shard.user(this.#id);
        return { state: withBookings(state, new Map()), version };
      },
      decide: (state) => userDecider.decide(command, state),
      patience: PATIENCE_MS,
    });
    if (outcome.kind !== wanted)
      throw new ImportError(`user ${this.#id}: ${command.kind} was not done: ${JSON.stringify(outcome)}`);
  }
}
