import { z } from 'zod';

/** What the operator is shown of the log, on `argus.operator.v1.log`. Shared by both ends; answers are JSON in gzip. */

const position = z.number().int().min(0);

/** The most messages that one answer has. */
export const MOST_MESSAGES = 500;

export const LogQuestion = z.discriminatedUnion('what', [
  z.object({ what: z.literal('tails') }),
  /** From one position on, as many as fit into an answer. */
  z.object({
    what: z.literal('messages'),
    stream: z.string(),
    from: position.min(1),
    limit: z.number().int().min(1).max(MOST_MESSAGES).default(MOST_MESSAGES),
  }),
]);
export type LogQuestion = z.infer<typeof LogQuestion>;

/** The last position of each stream that is shown, and how many shards the log has. */
export const LogTails = z.object({
  shards: z.number().int().min(1).max(10_000),
  tails: z.record(z.string(), position),
});
export type LogTails = z.infer<typeof LogTails>;

export const LogAnswer = z.object({
  messages: z.array(
    z.object({
      position,
      subject: z.string(),
      /** When it was stored: milliseconds since 1970, by the server's clock. */
      time: z.number(),
      /** A commit is JSON. */
      data: z.string(),
    }),
  ),
});
export type LogAnswer = z.infer<typeof LogAnswer>;
