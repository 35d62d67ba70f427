import { z } from 'zod';
import { utf8 } from '../../../events/bytes.js';
import { TowerId } from '../../../events/ids.js';
import { TreeHead } from '../../../events/tree-head.js';
import { ArchiveError } from './errors.js';

/**
 * An archive file is a line of JSON, its header, and behind it gzip members (RFC 1952), which any gunzip takes one behind the
 * other: `head -n 1 FILE` and `tail -n +2 FILE | gunzip` show all that is in it. See `members.ts`.
 */

/** The version that is written. Each that was ever written is read, or known to be unreadable. */
export const VERSION = 1;
const FORMAT = 'argus archive';

const position = z.number().int().min(1);
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** The header of version 1, in the order in which its fields stand. */
export const ArchiveHeader = z
  .object({
    format: z.literal(FORMAT),
    version: z.literal(VERSION),
    tower: TowerId,
    network: z.string().min(1),
    /** How many shards the log has. */
    shards: z.number().int().min(1).max(10_000),
    stream: z.string().regex(/^(CHAIN|CHECKPOINTS|TOWER_(0|[1-9]\d{0,3}))$/, 'no stream that is archived'),
    /** The positions of its first message and its last, without gaps between them, and when the server stored those. */
    first: position,
    last: position,
    firstTime: z.iso.datetime({ precision: 3 }),
    lastTime: z.iso.datetime({ precision: 3 }),
    /**
     * Of a shard: the hashes of the full subtrees of all messages before the first one, which wait for a sibling, lowest level
     * first (RFC 9162). With them the root over this file's last message is known from this file alone.
     */
    edge: z.array(hash.nullable()).max(64),
    /** Of a shard: the head that the tower signed over exactly the messages up to the last one, and its place in `CHECKPOINTS`. */
    head: z.object({ position, signed: TreeHead }).nullable(),
    /** What the file before it of the same stream is known by (its `sha256`); null in the first. */
    previous: hash.nullable(),
    /** The version of Argus that wrote it; for people. */
    madeBy: z.string(),
  })
  .refine(({ first, last }) => first <= last, 'it ends before it begins')
  .refine(
    ({ stream, head, last }) => (head?.signed.treeSize === last) === stream.startsWith('TOWER_'),
    'it has no head over its last message',
  );
export type ArchiveHeader = z.infer<typeof ArchiveHeader>;

/** What a run knows of the log that all its files are of. */
export const archiveHeader = (about: Omit<ArchiveHeader, 'format' | 'version'>): ArchiveHeader => ({
  format: FORMAT,
  version: VERSION,
  ...about,
});

/** No header is longer, in bytes, its line feed included. */
export const MAX_HEADER = 64 * 1024;

export const encodeHeader = (header: ArchiveHeader): Uint8Array =>
  utf8(`${JSON.stringify(ArchiveHeader.parse(header))}\n`);

const Beginning = z.looseObject({ format: z.literal(FORMAT), version: z.number().int().min(1) });

/** The header that a file begins with, and its length in bytes. Throws `ArchiveError`; `file` is its name. */
export function readHeader(bytes: Uint8Array, file: string): { readonly header: ArchiveHeader; readonly size: number } {
  const end = bytes.indexOf(0x0a);
  const line = Buffer.from(bytes.subarray(0, Math.max(0, end))).toString('utf8');
  const json = parseJson(line);
  const beginning = Beginning.safeParse(json).data;
  if (!beginning) throw new ArchiveError(file, 'it does not begin as an archive does');
  if (beginning.version > VERSION)
    throw new ArchiveError(file, `a newer Argus wrote it: version ${beginning.version} of the format`);
  const header = ArchiveHeader.safeParse(json);
  if (header.success) return { header: header.data, size: end + 1 };
  const [issue] = header.error.issues;
  throw new ArchiveError(
    file,
    `its header is damaged: ${issue?.path.join('.')} ${issue?.message}`.replace(':  ', ': '),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const DIGITS = 12;
/** `TOWER_0.000000000001-000000004096.argus`: in the order of positions where names are sorted. */
export const fileName = ({ stream, first, last }: Pick<ArchiveHeader, 'stream' | 'first' | 'last'>): string =>
  `${stream}.${String(first).padStart(DIGITS, '0')}-${String(last).padStart(DIGITS, '0')}.argus`;

export const isFileName = (name: string): boolean => /^[A-Z]+(_\d+)?\.\d{12,}-\d{12,}\.argus$/.test(name);
