import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { highwayHash64 } from './highway-hash.js';

/**
 * A block of a stream, as nats-server's file store keeps it (`server/filestore.go`): records of
 * `length (4, LE) || sequence (8) || time (8) || length of the subject (2) || subject || message || checksum (8)`, or, with the highest
 * bit of the length set, `length of the headers (4) || headers` before the message. The checksum is HighwayHash-64 of all but lengths, under
 * SHA-256 of `<stream>-<block>`.
 */
const HEADERS = 0x8000_0000;
const [SEQUENCE, SUBJECT_LENGTH, SUBJECT] = [4, 20, 22];
const CHECKSUM = 8;

/** Replaces a text in the message at a position by another of the same length; with `mend`, also its checksum. */
export function alterOnDisk(
  file: string,
  { stream, block, position }: { readonly stream: string; readonly block: number; readonly position: number },
  [from, to]: readonly [string, string],
  mend: boolean,
): void {
  const bytes = readFileSync(file);
  const key = createHash('sha256').update(`${stream}-${block}`).digest();
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at) & ~HEADERS;
    const record = bytes.subarray(at, at + (length >>> 0));
    if (record.readBigUInt64LE(SEQUENCE) === BigInt(position)) {
      const checksum = record.subarray(-CHECKSUM);
      if (!checksumOf(record, key).equals(checksum)) throw new Error('this is not how the server makes checksums');
      const where = record.indexOf(from);
      if (where < 0 || from.length !== to.length) throw new Error(`there is no ${from}`);
      record.write(to, where, 'latin1');
      if (mend) checksumOf(record, key).copy(checksum);
      writeFileSync(file, bytes);
      return;
    }
    at += record.length;
  }
  throw new Error(`there is no message ${position} in ${file}`);
}

function checksumOf(record: Buffer, key: Buffer): Buffer {
  const subjectEnd = SUBJECT + record.readUInt16LE(SUBJECT_LENGTH);
  const hasHeaders = (record.readUInt32LE(0) & HEADERS) !== 0;
  const rest = record.subarray(subjectEnd + (hasHeaders ? 4 : 0), record.length - CHECKSUM);
  return highwayHash64(
    Buffer.concat([record.subarray(SEQUENCE, SUBJECT_LENGTH), record.subarray(SUBJECT, subjectEnd), rest]),
    key,
  );
}
