import { randomBytes } from 'node:crypto';
import { ErrorCode, headers, type Msg, type MsgHdrs, type NatsConnection, NatsError } from 'nats';
import { z } from 'zod';
import type { Position } from '../ids.js';
import type { Requests } from './requests.js';

/** Messages on their way into a stream, one by one or as an atomic batch (NATS ADR-50). */

/** A message for a stream. */
export interface Outgoing {
  readonly subject: string;
  readonly data: Uint8Array;
  /** The position that its subject's last message must have, 0 if it must have none; undefined if that is no matter. */
  readonly expected?: Position;
}

/** How long the server is waited for at the most, in ms. */
export const REQUEST_MS = 2_000;

/** The server's answers to a message whose expectation does not hold (JetStream API error codes). */
const WRONG_LAST_SEQUENCE = new Set([10071, 10164]);

/** What it says of a batch for a stream that is configured to take none. */
const BATCHES_DISABLED = 10174;

/** A connection, and the way to ask on it. */
export interface Line {
  readonly nc: NatsConnection;
  readonly requests: Requests;
}

/**
 * Stores one message; gives its position.
 *
 * Rejects with a `NatsError`: whether the message is stored is known only if `isRefused` tells so.
 */
export async function publish({ requests }: Line, message: Outgoing, timeout: number): Promise<Position> {
  const { subject, data } = message;
  return acked(await requests.ask(subject, data, { headers: headersOf(message), timeout })).seq;
}

const ApiError = z.object({ code: z.number(), err_code: z.number(), description: z.string() });
const Answer = z.object({
  seq: z.number().int().optional(),
  batch: z.string().optional(),
  count: z.number().optional(),
  error: ApiError.optional(),
});
type Ack = z.infer<typeof Answer> & { readonly seq: Position };

/** The ack in the server's answer to a message. Throws the `NatsError` that the answer is if it is none. */
function acked(answer: Msg): Ack {
  const { data: ack } = Answer.safeParse(jsonOf(answer));
  const { error, seq } = ack ?? {};
  if (error) throw Object.assign(new NatsError(error.description, String(error.code)), { api_error: error });
  if (!ack || !seq) throw NatsError.errorForCode(ErrorCode.JetStreamInvalidAck);
  return { ...ack, seq };
}

function jsonOf(answer: Msg): unknown {
  try {
    return answer.json();
  } catch {
    return undefined;
  }
}

/**
 * Stores all of the messages or none, with one write to the disk; gives the position of the first, the others follow it
 * without a gap. There are at most 1,000, and no two that expect something have the same subject.
 *
 * Rejects with a `NatsError` as `publish` does. One message whose expectation does not hold has all of them refused.
 */
export async function publishBatch(
  { nc, requests }: Line,
  messages: readonly Outgoing[],
  timeout: number,
): Promise<Position> {
  // Stored with each message, so short: it must differ from those of the batches that are open at the same time.
  const id = randomBytes(9).toString('base64url');
  const marked = (message: Outgoing, i: number) => {
    const marks = headersOf(message);
    marks.set('Nats-Batch-Id', id);
    marks.set('Nats-Batch-Sequence', String(i + 1));
    return marks;
  };
  const last = messages.length - 1;
  let committed: Promise<Msg> | undefined;
  for (const [i, message] of messages.entries()) {
    const { subject, data } = message;
    const marks = marked(message, i);
    if (i < last) nc.publish(subject, data, { headers: marks });
    else {
      marks.set('Nats-Batch-Commit', '1');
      committed = requests.ask(subject, data, { headers: marks, timeout });
    }
  }
  if (!committed) throw new TypeError('a batch has at least one message');
  const { batch, count, seq } = acked(await committed);
  if (batch !== id || count !== messages.length) throw NatsError.errorForCode(ErrorCode.JetStreamInvalidAck);
  return seq - last;
}

function headersOf({ expected }: Outgoing): MsgHdrs {
  const made = headers();
  if (expected !== undefined) made.set('Nats-Expected-Last-Subject-Sequence', String(expected));
  return made;
}

/** Whether the server has said no: nothing of what was sent is stored by it. */
export function isRefused(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false;
  return error.api_error !== undefined && error.api_error.code < 500;
}

/** Whether the stream takes no batches at all. */
export const takesNoBatches = (error: unknown): boolean =>
  error instanceof NatsError && error.api_error?.err_code === BATCHES_DISABLED;

/** Whether what was sent may be stored all the same, or may be when it is sent again; a refused expectation may be our own. */
export function isUncertain(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false;
  return !isRefused(error) || WRONG_LAST_SEQUENCE.has(error.api_error?.err_code ?? 0);
}
