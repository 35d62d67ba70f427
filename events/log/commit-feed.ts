import type { Acceptance, AcceptanceReader } from '../acceptance.js';
import type { Commit, Recorded } from '../commit.js';
import type { Position } from '../ids.js';
import { LogDamagedError } from './errors.js';
import type { StreamMessage } from './follower.js';

export interface CommitFeedNeeds {
  readonly stream: string;
  /** The position after which it begins. */
  readonly after: Position;
  /** The commit in a message. Throws if there is none. */
  readonly record: (message: StreamMessage) => Recorded;
  readonly onCommit: (commit: Recorded) => void;
  /** Takes what `reader` can read; see `AcceptanceReader`. */
  readonly onAcceptance?: ((acceptance: Acceptance, position: Position) => void) | undefined;
  readonly reader: AcceptanceReader;
}

/**
 * The commits of one stream for one listener, once and in order: as the stream brings them, and this process's own as soon
 * as they are acked, which is when every replica that must has them. What the stream brings of those later must be the same
 * to the byte.
 */
export class CommitFeed {
  /** The position of the last commit that was given. */
  #position: Position;
  /** What was given at its ack and did not come from the stream yet. */
  readonly #early = new Map<Position, Uint8Array>();

  constructor(private readonly needs: CommitFeedNeeds) {
    this.#position = needs.after;
  }

  /** The next message of the stream. Throws if it is no commit, or not the one that was acked at its position. */
  message(message: StreamMessage): void {
    const { position, data, subject } = message;
    const early = this.#early.get(position);
    if (early) {
      if (Buffer.compare(early, data) !== 0)
        throw new LogDamagedError(`message ${position} of ${this.needs.stream} is not the one that was acked there`);
      this.#early.delete(position);
      return;
    }
    const { reader, record, onCommit, onAcceptance } = this.needs;
    const acceptance = onAcceptance && reader.read(data, subject);
    if (acceptance) onAcceptance?.(acceptance, position);
    else onCommit(record(message));
    this.#position = position;
  }

  /** A commit of this process was acked. It is given now if it is the next one, else when the stream brings it. */
  acked(commit: Omit<Commit, 'position'>, data: Uint8Array, position: Position): void {
    if (position !== this.#position + 1) return;
    try {
      this.needs.onCommit({ ...commit, position } as Recorded);
    } catch {
      return; // it is thrown at again when the stream brings it, and then somebody is told
    }
    this.#position = position;
    this.#early.set(position, data);
  }
}
