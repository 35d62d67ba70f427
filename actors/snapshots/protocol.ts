import { z } from 'zod';
import { Shard, TowerId } from '../../events/ids.js';

/** What a node and the process that makes its snapshots say to each other, over the channel that Node gives a child. */

/** One snapshot to be made. */
export const Task = z.object({
  kind: z.enum(['shard', 'chain']),
  tower: TowerId,
  network: z.string(),
  stream: z.string(),
  shard: Shard,
  /** Whether it is to begin at the beginning of the log, whatever snapshots there are: they are not trusted any more. */
  afresh: z.boolean(),
});
export type Task = z.infer<typeof Task>;

/** The node's first word. The seed is a secret, which is why it is no argument: those can be read by anybody. */
export const Order = z.object({
  say: z.literal('make'),
  servers: z.string(),
  seed: z.string(),
  trust: z.object({ caFile: z.string(), isOwn: z.boolean() }).optional(),
  name: z.string(),
  folder: z.string(),
  every: z.number(),
  madeBy: z.string(),
  tasks: z.array(Task).min(1),
});
export type Order = z.infer<typeof Order>;

/** Its later ones: the signature that was asked for. */
export const Signature = z.object({ say: z.literal('signed'), signature: z.string() });

/** What the child says. `why` is for people. */
export const Report = z.discriminatedUnion('say', [
  /** A snapshot is written, and is to be signed: its digest, hex. The child has no key. */
  z.object({ say: z.literal('sign'), digest: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.object({ say: z.literal('made'), stream: z.string(), position: z.number(), bytes: z.number(), from: z.number() }),
  z.object({ say: z.literal('shared'), stream: z.string(), position: z.number() }),
  z.object({ say: z.literal('unused'), stream: z.string(), file: z.string(), why: z.string() }),
  z.object({ say: z.literal('failed'), stream: z.string(), what: z.enum(['make', 'share']), why: z.string() }),
  z.object({ say: z.literal('done') }),
]);
export type Report = z.infer<typeof Report>;
