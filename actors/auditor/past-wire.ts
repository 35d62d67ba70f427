import { z } from 'zod';

/** What passes between a node and the thread that reads its log for people. */

/** What the thread is started with: how it connects. */
export const PastSetting = z.object({
  servers: z.string(),
  seed: z.string(),
  trust: z.object({ caFile: z.string(), isOwn: z.boolean() }).optional(),
  name: z.string(),
});
export type PastSetting = z.infer<typeof PastSetting>;

export const PastQuestion = z.discriminatedUnion('what', [
  /** All that happened to a user, an appointment, a locator or a transaction. */
  z.object({ what: z.literal('timeline'), id: z.string() }),
  /** What the tower was at a height. */
  z.object({ what: z.literal('at'), height: z.number().int().min(0) }),
  /** How much the tower held at each height. */
  z.object({ what: z.literal('growth') }),
]);
export type PastQuestion = z.infer<typeof PastQuestion>;

export const PastAsked = z.object({ id: z.number(), question: PastQuestion });
export type PastAsked = z.infer<typeof PastAsked>;

/** `wrong` is what is wrong with the question, `error` what went wrong with the answer. */
export const PastSaid = z.object({
  id: z.number(),
  answer: z.looseObject({}).optional(),
  wrong: z.string().optional(),
  error: z.string().optional(),
});
export type PastSaid = z.infer<typeof PastSaid>;
