import type { AuditSource } from './audit-source.js';

/** What of a log is needed to tell its history. */
export type HistorySource = Pick<AuditSource, 'shards' | 'tail' | 'read'>;
