import type { AuditSource } from '../../actors/auditor/audit-source.js';
import { AUDITOR_INBOX, openLiveSource } from '../../actors/auditor/live-source.js';
import type { Config } from '../../actors/config.js';
import { existingNatsSeed } from '../../actors/secrets.js';
import { connectLog } from '../../events/log/connection.js';
import { OperatorError, whyNoConnection } from '../operator.js';

/** The log that an audit is of, with the auditor's key; rejects with `OperatorError` if it cannot be reached. */
export async function openSource(config: Config): Promise<AuditSource> {
  const servers = config.nats.url ?? `nats://127.0.0.1:${config.nats.port}`;
  const file = config.nats.auditorNkeyFile;
  const seed = existingNatsSeed(file);
  const nc = await connectLog({ servers, seed, name: 'argus audit', inboxPrefix: AUDITOR_INBOX }).catch((cause) => {
    throw new OperatorError(`${servers} ${whyNoConnection(cause, file, 'NATS')}`, { cause });
  });
  try {
    return await openLiveSource(nc, seed);
  } catch (error) {
    await nc.close();
    throw error;
  }
}
