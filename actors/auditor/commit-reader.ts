import { type Acceptance, AcceptanceReader } from '../../events/acceptance.js';
import type { Recorded } from '../../events/commit.js';
import type { Position, Shard } from '../../events/ids.js';
import { LogDamagedError } from '../../events/log/errors.js';
import { record } from '../../events/log/log-reader.js';
import type { AuditMessage } from './audit-source.js';

/** Who is given what a stream holds, message by message. */
export interface CommitSink {
  onCommit(commit: Recorded, message: AuditMessage): void;
  /** Takes what it can do with the short form of; it is good until this returns. */
  onAcceptance?(acceptance: Acceptance, message: AuditMessage): void;
}

/** Reads the messages of one stream one after another, as a node does: without a gap, the commonest commit in its short form. */
export class CommitReader {
  readonly #acceptances: AcceptanceReader;

  /** `last`: the position before the first that comes. */
  constructor(
    private readonly stream: string,
    private readonly shard: Shard,
    private last: Position,
  ) {
    this.#acceptances = new AcceptanceReader(shard);
  }

  /** What comes before a position is left out: it is known that nobody needs it. */
  skipTo(position: Position): void {
    this.last = position - 1;
  }

  /** Throws `LogDamagedError`, `DamagedCommitError` or `UnknownEventError`, which name the position. */
  read(message: AuditMessage, sink: CommitSink): void {
    const { position, data, subject } = message;
    if (position !== this.last + 1) throw new LogDamagedError(`${this.stream} has no message ${this.last + 1}`);
    this.last = position;
    const acceptance = sink.onAcceptance && this.#acceptances.read(data, subject);
    if (acceptance) sink.onAcceptance?.(acceptance, message);
    else sink.onCommit(record(data, subject, position, this.shard), message);
  }
}
