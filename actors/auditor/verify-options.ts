import type { TowerId } from '../../events/ids.js';
import type { TreeHead } from '../../events/tree-head.js';
import type { AuditSource } from './audit-source.js';
import type { ChainCounts, ChainWitness } from './chain-witness.js';
import type { Finding } from './findings.js';
import type { SavedAudit } from './saved-audit.js';

/** What an audit is given, and what it comes to. */

export interface VerifyOptions {
  readonly source: AuditSource;
  readonly towerId: TowerId;
  /** Threads that check signatures; with none this one does. */
  readonly threads: number;
  /** How many findings are wanted. */
  readonly most: number;
  /** How long an erasure may take before it is missed, in ms. */
  readonly erasureMs: number;
  /** Heads that the auditor has from elsewhere, and what they are called. */
  readonly known: readonly { readonly head: TreeHead; readonly name: string }[];
  /** What an earlier audit came to. */
  readonly saved: SavedAudit | undefined;
  /** Takes what this one has come to, now and then and at its end, as long as nothing is wrong. */
  readonly save: ((audit: SavedAudit) => void) | undefined;
  readonly saveEveryMs: number;
  /** Somebody who knows the chain, given those blocks that will be asked for. */
  readonly witness: ((wanted: (hash: string) => boolean) => Promise<ChainWitness>) | undefined;
  readonly progress: { expect(count: number): void; add(count: number): void };
  readonly signal: AbortSignal;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  readonly found: number;
  readonly counts: Readonly<Record<string, unknown>>;
  readonly chain: ChainCounts | undefined;
}
