import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../../sync-folder.js';
import type { AuditMessage } from '../audit-source.js';
import { ArchiveFile } from './archive-file.js';
import { ArchiveError } from './errors.js';
import { type ArchiveHeader, encodeHeader, fileName } from './header.js';
import { endMember, MEMBER_BYTES, messageText, packMember } from './members.js';

/** What files are called until they are whole. */
export const DRAFT = '.draft';

/**
 * Writes a file of an archive: it is on the disk as a whole before it has its name. Rejects with the system's error, with what
 * `messages` or `whole` fail with, or with `ArchiveError` if the messages are not those that the header says, and leaves
 * nothing then. `whole` is called when all messages have been taken.
 */
export async function writeArchiveFile(
  folder: string,
  header: ArchiveHeader,
  messages: AsyncIterable<readonly AuditMessage[]>,
  whole: () => void = () => {},
): Promise<ArchiveFile> {
  const path = join(folder, fileName(header));
  const draft = path + DRAFT;
  const handle = await open(draft, 'w', 0o644);
  try {
    const hash = createHash('sha256');
    const write = async (bytes: Uint8Array) => {
      hash.update(bytes);
      await handle.appendFile(bytes);
    };
    await write(encodeHeader(header));
    for await (const member of members(header, messages)) await write(member);
    whole();
    await handle.appendFile(endMember(hash.digest('hex'), header.last + 1));
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(draft, { force: true });
    throw error;
  }
  await handle.close();
  await rename(draft, path);
  await syncFolder(folder);
  return ArchiveFile.open(path);
}

/** One is packed while the next is put together. */
async function* members(
  header: ArchiveHeader,
  messages: AsyncIterable<readonly AuditMessage[]>,
): AsyncGenerator<Uint8Array> {
  let texts: Uint8Array[] = [];
  let [first, next, size] = [header.first, header.first, 0];
  let packing: Promise<Uint8Array> | undefined;
  const pack = () => {
    packing = packMember(texts, next - first, first);
    packing.catch(() => {}); // told to whoever waits for it
    [texts, first, size] = [[], next, 0];
  };
  for await (const batch of messages)
    for (const message of batch) {
      if (message.position !== next || message.stream !== header.stream || next > header.last)
        throw new ArchiveError(`${header.stream} ${next}`, `${message.stream} ${message.position} came instead`);
      const text = messageText(message);
      texts.push(...text);
      size += text.reduce((sum, { length }) => sum + length, 0);
      next++;
      if (size < MEMBER_BYTES) continue;
      if (packing) yield await packing;
      pack();
    }
  if (next <= header.last) throw new ArchiveError(`${header.stream} ${next}`, 'it did not come');
  if (packing) yield await packing;
  if (texts.length > 0) yield await packMember(texts, next - first, first);
}
