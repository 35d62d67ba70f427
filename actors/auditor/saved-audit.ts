import { deserialize, serialize } from 'node:v8';
import { sha256, toHex } from '../../events/bytes.js';
import type { TowerId } from '../../events/ids.js';
import type { SavedChain } from './chain-record.js';
import type { SavedHeads } from './head-record.js';
import type { SavedShard } from './shard-audit.js';

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
  /** Absent in what an older version saved. The stream is short, and read anew each time. */
  readonly policyDone?: Done;
  readonly shards: readonly (SavedShard | undefined)[];
}

/** What is to be the state of an audit and is none, or that of another tower's. */
export class SavedAuditError extends Error {
  readonly code = 'audit-state';
}

/** The first line of such a file. It is the auditor's own, and by no means a proof: whoever can write it can have anything be verified. */
const FORMAT = 'argus audit state 2';

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
