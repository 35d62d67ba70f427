import type { AuditSource } from '../../actors/auditor/audit-source.js';
import { openLiveSource } from '../../actors/auditor/live-source.js';
import { verify } from '../../actors/auditor/verify.js';
import type { Verdict, VerifyOptions } from '../../actors/auditor/verify-options.js';
import type { TowerId } from '../../events/ids.js';
import type { TestNats } from './nats.js';

/** What an auditor says of a log, all of it. */
export const verifiedFrom = (
  source: AuditSource,
  towerId: TowerId,
  options: Partial<VerifyOptions> = {},
): Promise<Verdict> =>
  verify({
    source,
    towerId,
    threads: 1,
    most: Number.POSITIVE_INFINITY,
    erasureMs: 900_000,
    known: [],
    saved: undefined,
    save: undefined,
    saveEveryMs: 60_000,
    witness: undefined,
    progress: { expect: () => {}, add: () => {} },
    signal: new AbortController().signal,
    ...options,
  });

/** The same of the log on a server, with the auditor's own key. */
export async function verified(
  nats: Pick<TestNats, 'connect' | 'auditorSeed'>,
  towerId: TowerId,
  options: Partial<VerifyOptions> = {},
): Promise<Verdict> {
  const source = await openLiveSource(await nats.connect('auditor'), nats.auditorSeed);
  try {
    return await verifiedFrom(source, towerId, options);
  } finally {
    await source.close();
  }
}
