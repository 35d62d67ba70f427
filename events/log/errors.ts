/** The log could not be reached or did not answer in time; whether an append was stored is not known. */
export class LogUnavailableError extends Error {
  readonly code = 'log-unavailable';
}

/** The log is not what was written to it: a message is missing or altered. A node stops rather than guess. */
export class LogDamagedError extends Error {
  readonly code = 'log-damaged';
}

/** A message of the log is not there, though there are some after it, and nothing may delete from the log. */
export class MissingMessageError extends Error {
  readonly code = 'message-missing';
  constructor(
    readonly stream: string,
    readonly position: number,
  ) {
    super(`${stream} has no message ${position}`);
  }
}

/** A message was asked for that is not on the log any more, since that was trimmed: an archive has it. */
export class TrimmedError extends Error {
  readonly code = 'trimmed';

  constructor(stream: string, cut: number) {
    super(`${stream} was trimmed up to ${cut}: what was there is in the archive (--archive)`);
  }
}
