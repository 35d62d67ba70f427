import type { Locator, UserId } from '../../events/ids.js';
import type { Dialect } from '../../events/signing/receipts.js';
import type { Accepted, Deleted, Refusal, Registered, Shown, SubscriptionInfo } from '../outcomes.js';

/** What the Gateway needs of the Gatekeeper of a user's shard. */
export interface GatekeeperFace {
  register(userId: UserId, dialect: Dialect, came?: number, invite?: string): Promise<Registered | Refusal>;
  addAppointment(request: {
    readonly userId: UserId;
    readonly locator: Locator;
    readonly blob: Uint8Array;
    readonly toSelfDelay: number;
    readonly userSignature: string;
    readonly came: number;
  }): Promise<Accepted | Refusal>;
  deleteAppointment(request: {
    readonly userId: UserId;
    readonly locator: Locator;
    readonly receipt: string | null;
    readonly userSignature: string;
    readonly came: number;
  }): Promise<Deleted | Refusal>;
  appointment(userId: UserId, locator: Locator): Promise<Shown | Refusal>;
  subscription(userId: UserId): Promise<SubscriptionInfo | Refusal>;
  /** Resolves when what other nodes have put on the log is known here too; rejects if that takes too long. */
  level(): Promise<void>;
}
