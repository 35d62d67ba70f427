import type { Logger } from 'pino';
import type { ChainCommit, ShardCommit } from '../../events/commit.js';
import type { AppointmentId, Locator, Position, TowerId, UserId } from '../../events/ids.js';
import type { BlobRef } from '../../events/user.js';
import type { BlockWindow } from '../../projections/block-window.js';
import type { Fold } from '../../projections/fold.js';
import type { ShardState } from '../../projections/shard-state.js';
import type { Bookings } from '../bookings.js';
import type { Admission, Applicant, Refusal } from '../outcomes.js';
import type { Transactor } from '../runtime/transact.js';
import type { SignReceipt } from './receipts.js';

/** What the Gatekeeper needs of others, and what it is asked. */

export interface AddAppointmentRequest {
  readonly userId: UserId;
  readonly locator: Locator;
  readonly blob: Uint8Array;
  readonly toSelfDelay: number;
  readonly userSignature: string;
  /** When the request came, in ms of `performance.now()`: it is not appended when that is too long ago. */
  readonly came: number;
}

export interface DeleteAppointmentRequest {
  readonly userId: UserId;
  readonly locator: Locator;
  /** The signature of the receipt that the user names; null if it names none. */
  readonly receipt: string | null;
  readonly userSignature: string;
  /** As above. */
  readonly came: number;
}

/** What a subscription is, and what the tower holds, and gives, at the most. */
export interface Terms {
  /** Slots that one registration gives. */
  readonly slots: number;
  /** Blocks that one registration lasts. */
  readonly duration: number;
  /** Blocks between a subscription's expiry and its being forgotten. */
  readonly grace: number;
  readonly maxAppointments: number;
  readonly maxUsers: number;
  /** Slots that one user has. */
  readonly maxSlots: number;
}

/** The comparing of new appointments with recent blocks. */
export interface RecentBreaches {
  /** Whether every appointment folded so far was compared, and what that found is on the log. */
  readonly isSettled: boolean;
  /** Resolves when that is so. */
  settled(): Promise<void>;
}

/** The blobs of one shard. */
export interface Blobs {
  /** Resolves when a blob is stored; `sha256` is its hash. */
  put(userId: UserId, blob: Uint8Array, sha256: string): Promise<BlobRef>;
  /** Erases in the background; what fails is swept later. */
  erase(position: Position): void;
}

export interface GatekeeperNeeds {
  readonly fold: Fold<ShardCommit, ShardState>;
  readonly chain: Fold<ChainCommit, BlockWindow>;
  readonly transactor: Transactor;
  readonly blobs: Blobs;
  readonly bookings: Pick<Bookings, 'of' | 'at' | 'deletionOf' | 'locators'>;
  readonly recent: RecentBreaches;
  readonly terms: Terms;
  /** Whether this node answers a breach of an appointment, with its blob there, that may not be on the log yet. */
  readonly isAnswering: (id: AppointmentId, blob: Position | undefined) => boolean;
  /** The number of appointments that the whole tower holds. */
  readonly held: () => number;
  /** The number of its users. */
  readonly users: () => number;
  /** Whether somebody may register. Rejects with `LogUnavailableError`. */
  readonly admit: (applicant: Applicant) => Promise<Admission | Refusal>;
  readonly sign: SignReceipt;
  /** The identity that newcomers are served by; undefined for the log's first. */
  readonly identity?: () => TowerId | undefined;
  readonly fail: (error: Error) => void;
  readonly log: Logger;
}
