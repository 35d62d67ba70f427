/** How a request to a tower can fail: three classes, told apart by class or by `code`. */

/** The tower said no. */
export class TowerRefusedError extends Error {
  readonly code = 'tower-refused';
  constructor(
    message: string,
    /** An HTTP status: 400 malformed, 401 not authenticated, 404 not found, 413 too large, 503 come again. */
    readonly status: number,
    /** The error code in the user's dialect (teos-protocol A9); undefined where that generation gives none. */
    readonly errorCode: number | undefined,
    /** Why, by the field's name: `not-enough-slots`, `subscription-expired`, `malformed-request`, and so on. */
    readonly reason: string,
  ) {
    super(message);
  }
}

/** The tower said yes, but what it signed is not what it has to sign, or not with its key: keep the answer as evidence. */
export class BadReceiptError extends Error {
  readonly code = 'bad-receipt';
  constructor(
    message: string,
    readonly answer: unknown,
  ) {
    super(message);
  }
}

/** No answer, or none that can be read: whether the request was carried out is not known; asking again is safe. */
export class TowerUnavailableError extends Error {
  readonly code = 'tower-unavailable';
}
