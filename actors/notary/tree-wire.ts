import { z } from 'zod';
import { Shard } from '../../events/ids.js';

/** What goes between the Notary's thread for hashing and the others: plain values, since they are copied. */

/** What the thread is started with. */
export const TreeSetting = z.object({
  servers: z.string(),
  seed: z.string().optional(),
  trust: z.object({ caFile: z.string(), isOwn: z.boolean() }).optional(),
  name: z.string(),
  /** Where the files are. */
  folder: z.string(),
});
export type TreeSetting = z.infer<typeof TreeSetting>;

const size = z.number().int().min(1);

export const TreeQuestion = z.discriminatedUnion('what', [
  /** The root over so many leaves; answered as soon as there are so many. */
  z.object({ what: z.literal('root'), size }),
  /** The proof that the message at a position is in the tree over `size`. */
  z.object({ what: z.literal('inclusion'), position: size, size }),
  /** The proof that the tree over `size` begins with the one over `from`. */
  z.object({ what: z.literal('consistency'), from: size, size }),
  /** All of the tree is to be read from the log again. */
  z.object({ what: z.literal('rebuild') }),
]);
export type TreeQuestion = z.infer<typeof TreeQuestion>;

export const Asked = z.object({ id: z.number(), shard: Shard, question: TreeQuestion });
export type Asked = z.infer<typeof Asked>;

/** Hashes in hex, in the order of RFC 9162. */
export const TreeProof = z.array(z.string());
export type TreeProof = z.infer<typeof TreeProof>;

/** What the thread says: an answer, why there is none, or for the logs what it does. */
export const Said = z.union([
  z.object({ id: z.number(), answer: z.unknown() }),
  z.object({ id: z.number(), error: z.string() }),
  z.object({ shard: Shard, news: z.string(), why: z.string().optional() }),
]);
export type Said = z.infer<typeof Said>;
