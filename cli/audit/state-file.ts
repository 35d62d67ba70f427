import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { decodeAudit, encodeAudit, type SavedAudit, SavedAuditError } from '../../actors/auditor/saved-audit.js';
import type { TowerId } from '../../events/ids.js';

/** The file in which an audit keeps what it came to. */

/** Undefined if there is none yet. Throws `SavedAuditError`. */
export function readState(file: string, towerId: TowerId, network: string): SavedAudit | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return decodeAudit(readFileSync(file), towerId, network);
  } catch (cause) {
    const why = cause instanceof SavedAuditError ? cause.message : `cannot be read: ${String(cause)}`;
    throw new SavedAuditError(`${file} ${why}`, { cause });
  }
}

/** Throws `SavedAuditError` where it could not be written at the end of an audit. */
export function checkState(file: string): void {
  const draft = draftOf(file);
  try {
    closeSync(openSync(draft, 'w', 0o600));
    unlinkSync(draft);
  } catch (cause) {
    throw new SavedAuditError(`${file} cannot be written: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

const draftOf = (file: string): string => `${file}.new`;

/** In the place of what was there, at once. */
export function writeState(file: string, audit: SavedAudit): void {
  const draft = draftOf(file);
  const descriptor = openSync(draft, 'w', 0o600);
  try {
    const bytes = encodeAudit(audit);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
}
