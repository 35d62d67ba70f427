import { NatsError } from 'nats';

/** There is no such message, or none after that position. */
export const NO_MESSAGE_FOUND = 10037;

/** Whether JetStream refused something with one of these codes (`err_code` of its API's errors). */
export const isApiError = (error: unknown, ...codes: readonly number[]): error is NatsError =>
  error instanceof NatsError && codes.includes(error.api_error?.err_code ?? 0);
