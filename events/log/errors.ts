/** The log could not be reached or did not answer in time; whether an append was stored is not known. */
export class LogUnavailableError extends Error {
  readonly code = 'log-unavailable';
}

/** The log is not what was written to it: a message is missing or altered. A node stops rather than guess. */
export class LogDamagedError extends Error {
  readonly code = 'log-damaged';
}
