import { availableParallelism, hostname } from 'node:os';
import { z } from 'zod';
import { parseRanges } from './ranges.js';

/** Kinds of values that settings have. */

export const number = () =>
  z.preprocess((value) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value), z.number().int());

export const url = (protocols: RegExp, like: string) =>
  z.string().refine((value) => URL.canParse(value) && protocols.test(value), `must be like ${like}`);

/** One URL, or those of several servers of a cluster with commas between them. */
export const natsUrls = () =>
  z
    .string()
    .refine(
      (value) => value.split(',').every((part) => URL.canParse(part) && /^(nats|tls):\/\//.test(part)),
      'must be like nats://127.0.0.1:4222',
    );

/** `0-3,7` as ranges; how many shards there are, the log says. */
export const shardsOrAll = () =>
  z
    .preprocess((value) => (typeof value === 'number' ? String(value) : value), z.string())
    .refine((value) => value === 'all' || parseRanges(value) !== undefined, "must be like 0-3,7, or 'all'")
    .transform((value) => (value === 'all' ? value : (parseRanges(value) ?? [])));

export const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
export const defaultNodeName = () =>
  hostname()
    .replace(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, 63);

/** One for each core but that of the node's own thread; more than four have nothing to do, since that thread is full by then. */
export const defaultSignatureThreads = () => Math.max(1, Math.min(4, availableParallelism() - 1));
