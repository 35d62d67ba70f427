/** Where a process of a stage runs. */
export interface Place {
  /** The address at which others reach it. */
  readonly host: string;
  /** What to start so that the program of a path runs there. */
  program(path: string): string;
}

/** This machine, for this machine alone. */
export const HERE: Place = { host: '127.0.0.1', program: (path) => path };
