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
