import { deserialize, serialize } from 'node:v8';
import { sha256, toHex } from '../../events/bytes.js';
import type { TowerId } from '../../events/ids.js';
import type { SavedChain } from './chain-record.js';
import type { SavedHeads } from './head-record.js';
import type { SavedShard } from './shard-audit.js';
import type { VerifyOptions } from './verify-options.js';

/** How far a stream was read, and SHA-256 of the message there, hex. */
export interface Done {
  readonly position: number;
  readonly digest: string;
}

/** All that an audit has come to, nothing being wrong: with it the next one goes on where this one was. */
export interface SavedAudit {
  readonly towerId: TowerId;
  readonly network: string;
  readonly chain: SavedChain;
  readonly chainDone: Done;
  readonly heads: SavedHeads;
  readonly headsDone: Done;
  /** The stream is short, and read anew each time. */
  readonly policyDone: Done;
  /** What was there to be looked at: an archive has neither. */
  readonly seen: { readonly blobs: boolean; readonly policy: boolean };
  readonly shards: readonly (SavedShard | undefined)[];
}

/** What is to be the state of an audit and is none, or that of another tower's. */
export class SavedAuditError extends Error {
  readonly code = 'audit-state';
}

/** The first line of such a file. It is the auditor's own, and by no means a proof: whoever can write it can have anything be verified. */
const FORMAT = 'argus audit state 3';

/** The bytes of a file: a line with the format, SHA-256 of what follows, and that, as V8 writes it. */
export function encodeAudit(audit: SavedAudit): Uint8Array {
  const body = serialize(audit);
  return Buffer.concat([Buffer.from(`${FORMAT} ${toHex(sha256(body))}\n`, 'latin1'), body]);
}

/** Throws `SavedAuditError`. */
export function decodeAudit(bytes: Uint8Array, towerId: TowerId, network: string): SavedAudit {
  const newline = bytes.indexOf(0x0a);
  const head = Buffer.from(bytes.subarray(0, Math.max(0, newline))).toString('latin1');
  const body = bytes.subarray(newline + 1);
  if (!head.startsWith(`${FORMAT} `))
    throw new SavedAuditError('is not the state of an audit by this version of argus');
  if (head.slice(FORMAT.length + 1) !== toHex(sha256(body))) throw new SavedAuditError('is damaged');
  const audit: SavedAudit = deserialize(body);
  if (audit.towerId !== towerId || audit.network !== network)
    throw new SavedAuditError(`is of the audit of tower ${audit.towerId} on ${audit.network}`);
  return audit;
}

/** Throws `SavedAuditError` where an audit that goes on from there would leave something out. */
export function checkGoesOn(
  { seen, shards }: SavedAudit,
  { source, known }: Pick<VerifyOptions, 'source' | 'known'>,
): void {
  if ((source.hasBlobs && !seen.blobs) || (source.hasPolicy && !seen.policy))
    throw new SavedAuditError(
      'the state is of an audit of archives, which have neither blobs nor invites: the log of a server needs a state of its own',
    );
  for (const { head, name } of known)
    if (head.treeSize <= (shards[head.shard]?.position ?? 0))
      throw new SavedAuditError(
        `the state goes on behind ${name}, over ${head.treeSize} messages of shard ${head.shard}: verify that without it`,
      );
}
