import type { AuditSource } from '../../actors/auditor/audit-source.js';

/** Messages a second that an auditor's own way of reading gives, when nothing is done with them. */
export async function auditReadRate(source: AuditSource, stream: string): Promise<number> {
  const begun = performance.now();
  const last = await source.tail(stream);
  let count = 0;
  for await (const batch of source.read(stream, 1, last, new AbortController().signal)) count += batch.length;
  if (count !== last) throw new Error(`${count} messages of ${last} came`);
  return count / ((performance.now() - begun) / 1000);
}
