import type { Command } from 'commander';
import type { ArchiveFile } from '../actors/auditor/archive/archive-file.js';
import { type Archive, openArchive } from '../actors/auditor/archive/archive-folder.js';
import { archiveLog } from '../actors/auditor/archive/archive-run.js';
import { checkArchive, messagesToCheck } from '../actors/auditor/archive/check-archive.js';
import { ArchiveError } from '../actors/auditor/archive/errors.js';
import { TowerId } from '../events/ids.js';
import { notUnderstood, parseArgument } from './arguments.js';
import { Progress } from './audit/progress.js';
import { openSource } from './audit/source.js';
import { printFields, printJson, Table } from './print.js';
import { addWhereabouts, configOf } from './settings.js';
import { trim } from './trim/trim.js';

/** `argus archive`: the log in files that outlast its server, written with the auditor's key. */
export function addArchiveCommands(program: Command): void {
  const archive = addWhereabouts(program.command('archive'))
    .description('for auditors and operators: write what is old of the log to compressed files, and check these')
    .argument('<folder>', 'where the files are, or shall be (one that is called like a command: ./list)')
    .option('--older-than <age>', 'leave what is younger, in days, hours or minutes: 90d, 12h, 30m', '90d')
    .option('--trim', 'instead, take what is archived and needed no more out of the log; every node has to be stopped')
    .option('--yes', 'trim without asking')
    .option('--json', 'one line of JSON for each file, or stream')
    .addHelpText(
      'after',
      `
What was archived before is left as it is, and gone on from. The log itself loses nothing, unless it is trimmed.
Examples:
  argus archive /var/backups/argus --older-than 30d --nats nats://10.0.0.1:4222
  argus archive verify /var/backups/argus --tower 0256cc1f...
  argus archive /var/backups/argus --trim
  argus audit timeline 6a3f... --archive /var/backups/argus --offline`,
    )
    .action((folder: string, _options, command: Command) =>
      command.opts<{ trim?: true }>().trim ? trimTo(folder, command) : write(folder, command),
    );
  archive
    .command('list <folder>')
    .description('the files of an archive, as they say they are; nothing is unpacked')
    .option('--json', 'one line of JSON for each file')
    .addHelpText('after', '\nExample:\n  argus archive list /srv/argus-archive')
    .action(async (folder: string, _options, command: Command) =>
      list(await openArchive(folder), command.optsWithGlobals<VerifyOptions>().json),
    );
  archive
    .command('verify <folder>')
    .description("check an archive: checksums, continuity, and every tree head's signature and root")
    .option(
      '--tower <id>',
      'the id of the tower (default: the one that the archive says it is of, which proves nothing)',
    )
    .option('--json', 'one line of JSON')
    .addHelpText(
      'after',
      '\nExample:\n  argus archive verify --tower 0256cc1f... /srv/argus-archive\nExit status: 0 right, 1 wrong, 2 not understood, 3 not finished (it cannot be read, say).',
    )
    .action((folder: string, _options, command: Command) => verify(folder, command.optsWithGlobals()));
}

async function write(folder: string, command: Command): Promise<void> {
  const { olderThan, json = false } = command.opts<{ olderThan: string; json?: boolean }>();
  const until = Date.now() - ageOf(olderThan);
  const progress = new Progress('messages');
  await interruptible(async (signal) => {
    const source = await openSource(configOf(command));
    try {
      let files = 0;
      const wrote = (file: ArchiveFile) => {
        files++;
        progress.end();
        if (json) printJson(rowOf(file));
        else process.stdout.write(`${file.name}  ${file.bytes} bytes, through ${file.header.lastTime}\n`);
      };
      const archive = await archiveLog({ source, folder, until, wrote, progress, signal });
      progress.end();
      if (json) return;
      if (files === 0) process.stdout.write(`nothing new: no tree head older than ${olderThan} is not archived yet\n`);
      process.stdout.write(`${summary(archive)}\n`);
    } finally {
      progress.end();
      await source.close();
    }
  });
}

async function trimTo(folder: string, command: Command): Promise<void> {
  const { yes = false, json = false } = command.opts<{ yes?: boolean; json?: boolean }>();
  if (!yes && !process.stdin.isTTY) throw notUnderstood('there is no terminal to ask at: --yes');
  const progress = new Progress('messages');
  await interruptible(async (signal) => {
    const way = { signal, onRead: (count: number) => progress.add(count) };
    try {
      const shown = { expect: (count: number) => progress.expect(count), pause: () => progress.end() };
      process.exitCode = await trim(configOf(command), { folder, yes, json, way, ...shown });
    } finally {
      progress.end();
    }
  });
}

const COLUMNS = {
  STREAM: 'stream',
  FIRST: 'first',
  LAST: 'last',
  FROM: 'first_time',
  THROUGH: 'last_time',
  BYTES: 'bytes',
  SHA256: 'sha256',
};

const rowOf = ({ name, header, bytes, sha256 }: ArchiveFile) => ({
  stream: header.stream,
  first: header.first,
  last: header.last,
  first_time: header.firstTime,
  last_time: header.lastTime,
  bytes,
  sha256,
  head_position: header.head?.position ?? null,
  file: name,
});

function list(archive: Archive, json = false): void {
  const rows = Array.from(archive.streams.values()).flat().map(rowOf);
  if (json) {
    for (const row of rows) printJson(row);
    return;
  }
  if (rows.length > 0) new Table(COLUMNS).print(rows);
  process.stdout.write(`${summary(archive)}\n`);
}

function summary({ streams, identity }: Archive): string {
  if (!identity) return 'no files yet';
  const files = Array.from(streams.values()).flat();
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const messages = files.reduce((sum, { header: { first, last } }) => sum + last - first + 1, 0);
  const each = Math.round(bytes / messages);
  return `${identity.network} log of ${identity.towerId}: ${files.length} files, ${messages} messages, ${bytes} bytes, ${each} a message`;
}

/** `--json` is one of `argus archive` as well, which takes it for itself: so all of them are asked for it. */
interface VerifyOptions {
  readonly tower?: string;
  readonly json?: boolean;
}

/** What it ends with where nobody can say whether the archive is right. */
const NOT_FINISHED = 3;

async function verify(folder: string, { tower, json = false }: VerifyOptions): Promise<void> {
  const wanted = tower === undefined ? undefined : parseArgument(TowerId, tower);
  const progress = new Progress('messages');
  try {
    await interruptible(async (signal) => {
      const archive = await openArchive(folder);
      const id = wanted ?? TowerId.safeParse(archive.identity?.towerId).data;
      if (!id) throw new ArchiveError(folder, 'there is no archive in it');
      progress.expect(messagesToCheck(archive));
      const checked = await checkArchive(archive, { tower: id, onRead: (count) => progress.add(count), signal });
      progress.end();
      const { signedTo, ...counts } = checked;
      const fields = { ok: true, tower: id, network: archive.identity?.network, ...counts };
      const shards = signedTo.map((signed_to, shard) => ({ shard, signed_to }));
      if (json) return printJson({ ...fields, shards });
      printFields(fields);
      new Table({ SHARD: 'shard', 'SIGNED TO': 'signed_to' }).print(shards);
      if (!wanted) process.stdout.write('not checked: whether this is the tower that you mean (--tower)\n');
    });
  } catch (error) {
    progress.end();
    if (!(error instanceof ArchiveError)) {
      process.stderr.write(`argus: ${error instanceof Error ? error.message : error}\n`);
      process.exitCode = NOT_FINISHED;
      return;
    }
    const { where, why } = error;
    if (json) printJson({ ok: false, where, why });
    else process.stdout.write(`WRONG ${where}: ${why}\n`);
    process.exitCode = 1;
  }
}

/** Ctrl-c ends what is done; it rejects then. */
async function interruptible(act: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Error('interrupted'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await act(stopping.signal);
  } catch (error) {
    // A file that was being read says it in words of its own.
    throw error instanceof Error && error.name === 'AbortError' ? stopping.signal.reason : error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

const UNITS = { d: 24 * 3_600_000, h: 3_600_000, m: 60_000 } as const;

/** `90d` in ms. */
function ageOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})([dhm])$/.exec(text) ?? [];
  const ms = UNITS[(unit ?? '') as keyof typeof UNITS];
  if (ms === undefined) throw notUnderstood(`--older-than takes days, hours or minutes: 90d, 12h, 30m`);
  return Number(count) * ms;
}
