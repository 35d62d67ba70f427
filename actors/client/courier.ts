import type { publicSubjects } from '../wire.js';

/** How a client's requests reach a tower and its answers come back; what they mean is the client's business. */
export interface Courier {
  /** Asks once. Rejects with `NotAnsweredError` when there is no answer in time, or none that is JSON. */
  ask(operation: ClientOperation, body: object, timeoutMs: number): Promise<Reply>;
}

/** By its name in the protocol. */
export type ClientOperation = keyof typeof publicSubjects;

export interface Reply {
  /** An HTTP status; 200 if the request was granted. */
  readonly status: number;
  readonly json: unknown;
  /** Why it was not granted, by the field's name. */
  readonly reason: string | undefined;
}

/** A request that was not answered. */
export class NotAnsweredError extends Error {
  readonly code = 'not-answered';
  constructor(
    message: string,
    /** Whether it is certain that nobody has heard of it. */
    readonly unheard: boolean,
    options: ErrorOptions,
  ) {
    super(message, options);
  }
}
