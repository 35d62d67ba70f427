import type { Command } from 'commander';
import { addWhereabouts } from '../settings.js';
import { addHistoryCommands } from './histories.js';
import { addArchiveFlags } from './source.js';
import { addVerify } from './verify.js';

/** `argus audit`: what an auditor does with the log, and nothing else. */
export function addAuditCommands(program: Command): void {
  const audit = program
    .command('audit')
    .description("for auditors: what a tower's log shows, read with a key that can do nothing else");
  addVerify(auditCommand(audit, 'verify'));
  addHistoryCommands(audit);
}

/** A command of the group, with what all of them take. */
export const auditCommand = (audit: Command, usage: string): Command =>
  addArchiveFlags(addWhereabouts(audit.command(usage))).option('--json', 'for machines: JSON');
