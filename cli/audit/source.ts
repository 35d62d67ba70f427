import type { Command } from 'commander';
import { ArchiveSource } from '../../actors/auditor/archive/archive-source.js';
import { joinSources } from '../../actors/auditor/archive/joined-source.js';
import type { AuditSource } from '../../actors/auditor/audit-source.js';
import { AUDITOR_INBOX, openLiveSource } from '../../actors/auditor/live-source.js';
import type { Config } from '../../actors/config.js';
import { natsServers, natsTrust } from '../../actors/config-nats.js';
import { existingNatsSeed } from '../../actors/secrets.js';
import { shownUrl } from '../../actors/shown-url.js';
import { connectLog } from '../../events/log/connection.js';
import { notUnderstood } from '../arguments.js';
import { OperatorError, whyNoConnection } from '../operator.js';

/** Where an audit reads what is archived, if anywhere, and whether it reads nothing else. */
export interface ArchiveOptions {
  readonly archive?: string;
  readonly offline?: boolean;
}

/** The flags of that. */
export const addArchiveFlags = (command: Command): Command =>
  command
    .option('--archive <folder>', 'read from this archive what is in it (argus archive), and the rest from the log')
    .option('--offline', 'read the archive alone: no server is asked');

/**
 * The log that an audit is of, archived, live with the auditor's key, or both as one. Rejects with `OperatorError` if it cannot
 * be reached, with `ArchiveError` if the archive is not whole or contradicts the log.
 */
export async function openSource(config: Config, { archive, offline }: ArchiveOptions = {}): Promise<AuditSource> {
  if (archive === undefined && offline) throw notUnderstood('--offline reads an archive: say which (--archive)');
  if (archive === undefined) return openLive(config);
  const archived = await ArchiveSource.open(archive);
  if (offline) return archived;
  const live = await openLive(config);
  try {
    return await joinSources(archived, live, new AbortController().signal);
  } catch (error) {
    await live.close();
    throw error;
  }
}

async function openLive(config: Config): Promise<AuditSource> {
  const servers = natsServers(config.nats);
  const file = config.nats.auditorNkeyFile;
  const seed = existingNatsSeed(file);
  const nc = await connectLog({
    servers,
    seed,
    trust: natsTrust(config.nats),
    name: 'argus audit',
    inboxPrefix: AUDITOR_INBOX,
  }).catch((cause) => {
    throw new OperatorError(`${shownUrl(servers)} ${whyNoConnection(cause, file, 'NATS')}`, { cause });
  });
  try {
    return await openLiveSource(nc, seed);
  } catch (error) {
    await nc.close();
    throw error;
  }
}
