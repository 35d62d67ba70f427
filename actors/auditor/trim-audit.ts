import { toHex } from '../../events/bytes.js';
import { UnknownEventError } from '../../events/codec.js';
import { DamagedCommitError } from '../../events/commit.js';
import type { Shard, TowerId } from '../../events/ids.js';
import { LogDamagedError, LogUnavailableError, MissingMessageError } from '../../events/log/errors.js';
import { CHECKPOINTS, towerStream, trimsStream } from '../../events/log/streams.js';
import { assertSigned, trimsSubject } from '../../events/log/trims.js';
import { DamagedHeadError, decodeHead, headHash, type TreeHead } from '../../events/tree-head.js';
import {
  DamagedTrimError,
  decodePositions,
  decodeTrim,
  encodePositions,
  positionsHash,
  type TrimRecord,
} from '../../events/trim-record.js';
import { RightEdge } from '../../projections/merkle/post-order.js';
import { isSame } from './archive/joined-source.js';
import { messagesAt, selectKept } from './archive/trim-plan.js';
import type { AuditMessage, AuditSource } from './audit-source.js';
import { type Finding, missing } from './findings.js';
import type { Way } from './tower-fold.js';

/**
 * Whether a shard was trimmed as the tower says, and rightly: the record is signed, its head is the tower's over all messages up to
 * the cut, the hashes that are kept of those are theirs, what is left is what matters of them (`TrimSelection`), and it is there,
 * to the byte. Gives up to where it was trimmed; 0 if it was not.
 */
export async function auditTrim(
  shard: Shard,
  { live, archive }: NonNullable<AuditSource['parts']>,
  towerId: TowerId,
  found: (finding: Finding) => void,
  way: Way,
): Promise<number> {
  const [stream, trims] = [towerStream(shard), trimsStream(shard)];
  const cut = (await live.cut?.(stream)) ?? 0;
  if (cut === 0) return 0;
  if ((await archive.tail(stream)) < cut) throw new LogUnavailableError(`${stream} was trimmed just now: try again`);
  const wrong = (where: string, position: number, why: string) => found({ stream: where, position, what: 'trim', why });
  const said = await readTrims(live, shard, cut, way).catch((error) => {
    if (error instanceof MissingMessageError) found(missing(error));
    else if (error instanceof DamagedTrimError) wrong(trims, 1, error.message);
    else throw error;
  });
  const why = said && (await whatIsWrong(said, archive, towerId, way));
  if (why !== undefined) wrong(trims, said?.position ?? 1, why);
  const selected = await selectKept(archive, shard, cut, way).catch(whyUnreadable);
  if (typeof selected === 'string') {
    wrong(stream, cut, `what matters of the messages up to here cannot be told: ${selected}`);
    return cut;
  }
  const kept = Array.from(selected);
  if (said && positionsHash(encodePositions(kept)) !== said.record.kept.sha256)
    wrong(trims, said.position, differenceOf(kept, said.kept));
  const wronged = await firstDifference(
    singly(live.remaining(stream, 1, cut, way.signal)),
    messagesAt(archive, shard, kept, cut, way),
  );
  // Of a stream that was trimmed anew meanwhile this was not told.
  if (wronged && (await live.cut?.(stream)) !== cut)
    throw new LogUnavailableError(`${stream} was trimmed just now: try again`);
  if (wronged) wrong(stream, wronged.position, wronged.why);
  return cut;
}

/** What is said of a message that is no commit: of what an archive holds, whoever reads all of it has told of that. */
function whyUnreadable(error: unknown): string {
  if (error instanceof DamagedCommitError || error instanceof UnknownEventError || error instanceof LogDamagedError)
    return error.message;
  throw error;
}

/** Where what is left is first another than what is wanted, and how. */
async function firstDifference(left: AsyncGenerator<AuditMessage>, wanted: AsyncGenerator<AuditMessage>) {
  try {
    for await (const one of wanted) {
      const { value: message } = await left.next();
      const { position } = one;
      if (!message || message.position > position)
        return { position, why: 'this message is gone, though it matters still' };
      if (message.position < position) return tooMany(message);
      if (!isSame(message, one)) return { position, why: 'this message is another one than in the archive' };
    }
    const { value: more } = await left.next();
    return more && tooMany(more);
  } finally {
    await left.return(undefined);
  }
}

const tooMany = ({ position }: AuditMessage) => ({ position, why: 'this message is there, though it was trimmed' });

/** What the log says of the trim at a cut. */
interface Said {
  readonly record: TrimRecord;
  /** Where the record is. */
  readonly position: number;
  readonly kept: Uint8Array;
  /** The root over the hashes up to the cut that are there. */
  readonly root: string;
  readonly hashes: number;
}

async function readTrims(live: AuditSource, shard: Shard, cut: number, { signal }: Way): Promise<Said> {
  const trims = trimsStream(shard);
  const edge = new RightEdge();
  const pieces = new Map<number, Uint8Array>();
  let [hashes, found] = [0, undefined as Pick<Said, 'record' | 'position'> | undefined];
  for await (const batch of live.read(trims, 1, await live.tail(trims), signal))
    for (const { subject, data, position } of batch) {
      if (subject === `${trimsSubject(shard)}.kept`) pieces.set(position, data);
      else if (subject === `${trimsSubject(shard)}.leaves`)
        for (let at = 0; at < data.length && hashes < cut; at += 32, hashes++) edge.add(data.slice(at, at + 32));
      else {
        const record = decodeTrim(data);
        if (record.cut === cut) found = { record, position };
      }
    }
  if (!found) throw new DamagedTrimError(`nothing says what is left of the messages up to ${cut}`);
  const { first, last } = found.record.kept;
  const mine = Array.from(pieces).filter(([position]) => position >= first && position <= last);
  return { ...found, kept: Buffer.concat(mine.map(([, piece]) => piece)), root: toHex(edge.root()), hashes };
}

async function whatIsWrong(
  { record, kept, root, hashes }: Said,
  archive: AuditSource,
  towerId: TowerId,
  { signal }: Way,
): Promise<string | undefined> {
  const { shard, cut, head } = record;
  try {
    assertSigned(record, shard, towerId);
  } catch {
    return 'the tower has not signed this record of a trim';
  }
  const signed = await headAt(archive, head.position, signal);
  if (!signed || headHash(signed) !== head.sha256 || signed.treeSize !== cut || signed.shard !== shard)
    return `it names another head than the one at ${head.position} of ${CHECKPOINTS}`;
  if (signed.root !== record.root) return 'it has another root than its head';
  if (positionsHash(kept) !== record.kept.sha256) return 'what it names as kept is not what it says';
  if (hashes !== cut || root !== record.root) return `the hashes of the ${cut} messages do not give its root`;
  return undefined;
}

/** Undefined if there is no head. */
async function headAt(archive: AuditSource, position: number, signal: AbortSignal): Promise<TreeHead | undefined> {
  try {
    for await (const [message] of archive.read(CHECKPOINTS, position, position, signal))
      return message && decodeHead(message.data);
  } catch (error) {
    if (!(error instanceof DamagedHeadError || error instanceof MissingMessageError)) throw error;
  }
  return undefined;
}

/** What the list of what is kept has too few of, or too many. */
function differenceOf(wanted: readonly number[], said: Uint8Array): string {
  const listed = new Set<number>();
  try {
    for (const position of decodePositions(said)) listed.add(position);
  } catch (error) {
    if (!(error instanceof DamagedTrimError)) throw error;
    return `what it keeps is no list: ${error.message}`;
  }
  const missing = wanted.find((position) => !listed.has(position));
  if (missing !== undefined) return `it does not keep message ${missing}, which matters`;
  const right = new Set(wanted);
  const more = Array.from(listed).find((position) => !right.has(position));
  return `it keeps message ${more}, which does not matter`;
}

async function* singly<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const batch of batches) yield* batch;
}
