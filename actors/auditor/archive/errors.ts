/** An archive that is not whole, not what it says, or not of the log that it is read with: which file or stream, and why. */
export class ArchiveError extends Error {
  readonly code = 'archive';

  constructor(
    /** A file's name, or a stream and a position. */
    readonly where: string,
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(`${where}: ${why}`, options);
  }
}
