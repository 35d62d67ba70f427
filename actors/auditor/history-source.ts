import type { AuditSource } from './audit-source.js';

/** What of a log is needed to tell its history; of one that was trimmed also what is left. */
export type HistorySource = Pick<AuditSource, 'shards' | 'tail' | 'read'> &
  Partial<Pick<AuditSource, 'remaining' | 'cut'>>;
