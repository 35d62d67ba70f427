import { accessSync, constants, createReadStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Command, CommanderError } from 'commander';
import { ArchiveError } from '../../actors/auditor/archive/errors.js';
import type { AuditSource } from '../../actors/auditor/audit-source.js';
import { bitcoindWitness } from '../../actors/auditor/bitcoind-witness.js';
import { MOST_NAMED } from '../../actors/auditor/findings.js';
import { headerWitness } from '../../actors/auditor/header-witness.js';
import { readIdentities } from '../../actors/auditor/log-identities.js';
import { verify } from '../../actors/auditor/verify.js';
import type { Verdict, VerifyOptions } from '../../actors/auditor/verify-options.js';
import { BitcoindRpc } from '../../actors/bitcoind/rpc.js';
import type { Config } from '../../actors/config.js';
import { TowerId } from '../../events/ids.js';
import { notUnderstood, parseArgument, wholeNumber } from '../arguments.js';
import { printFields, printJson } from '../print.js';
import { addBitcoindFlags, configOf } from '../settings.js';
import { areSigned, checkSigned, readHeads } from './known-heads.js';
import { Progress } from './progress.js';
import { type ArchiveOptions, openSource } from './source.js';
import { checkState, readState, writeState } from './state-file.js';

/** `argus audit verify`. Exit status: 0 right, 1 wrong, 2 not understood, 3 could not be finished. */
export function addVerify(command: Command): void {
  addBitcoindFlags(command)
    .description(
      'verify a log: every commit, signature, head, state transition and blob; with a chain, every block and breach',
    )
    .option('--tower <id>', 'the id of the tower (default: the one that the log says it is of, which proves nothing)')
    .option('--all', `name all that is wrong, up to ${MOST_NAMED} that are found first, not only what comes first`)
    .option('--head <file...>', 'heads or proofs that somebody has kept: the log has to bear them out')
    .option('--headers <file>', 'headers of the chain, 80 bytes each, one behind the other')
    .option('--state <file>', 'keep what was found right there, and go on from it the next time')
    .option('--threads <n>', 'threads that check signatures; 0: none but the main one', String(availableParallelism()))
    .option('--erasure <seconds>', 'how long after its end a blob may still be there', '900')
    .addHelpText(
      'after',
      '\nExample:\n  argus audit verify --tower 0256cc1f... --nats nats://10.0.0.1:4222 --bitcoind http://127.0.0.1:8332' +
        '\nExit status: 0 right, 1 wrong, 2 not understood, 3 not finished (no server, say).',
    )
    .action(async (_options, command: Command) => {
      try {
        process.exitCode = (await run(command)) ? 0 : 1;
      } catch (error) {
        if (error instanceof CommanderError) throw error;
        if (error instanceof ArchiveError) {
          const { where, why } = error;
          if (command.opts<Given>().json) printJson({ ok: false, where, why });
          else process.stdout.write(`WRONG ${where}: ${why}\n`);
          process.exitCode = 1;
          return;
        }
        process.stderr.write(`argus: ${error instanceof Error ? error.message : error}\n`);
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        process.exitCode = NOT_UNDERSTOOD.has(code) ? 2 : 3;
      }
    });
}

const NOT_UNDERSTOOD = new Set<unknown>(['config', 'input', 'headers', 'audit-state', 'ENOENT', 'EISDIR', 'EACCES']);
const SAVE_EVERY_MS = 60_000;

interface Given extends ArchiveOptions {
  readonly tower?: string;
  readonly all?: boolean;
  readonly head?: string[];
  readonly headers?: string;
  readonly state?: string;
  readonly threads: string;
  readonly erasure: string;
  readonly bitcoind?: string;
  readonly json?: boolean;
}

/** Whether all was right. */
async function run(command: Command): Promise<boolean> {
  const given = command.opts<Given>();
  const config = configOf(command);
  const threads = wholeNumber('--threads', given.threads, 256);
  const erasureMs = 1000 * wholeNumber('--erasure', given.erasure, 10 ** 9);
  const wanted = given.tower === undefined ? undefined : parseArgument(TowerId, given.tower);
  if (given.headers !== undefined && given.bitcoind !== undefined)
    throw notUnderstood('a bitcoind knows more than a file of headers: give one of them');
  const known = (await Promise.all((given.head ?? []).map(readHeads))).flat();
  if (given.headers !== undefined) accessSync(given.headers, constants.R_OK);
  const stop = new AbortController();
  const interrupted = () => stop.abort(new Error('interrupted'));
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupted);
  const source = await openSource(config, given);
  const progress = new Progress('messages');
  try {
    const towerId = wanted ?? parseArgument(TowerId, source.identity.towerId);
    if (!areSigned(known, [towerId])) checkSigned(known, await readIdentities(source, towerId, stop.signal));
    const { state: file } = given;
    const saved = file === undefined ? undefined : readState(file, towerId, source.identity.network);
    if (file !== undefined) checkState(file);
    const begun = performance.now();
    const verdict = await verify({
      source,
      towerId,
      threads,
      most: given.all ? Number.POSITIVE_INFINITY : 1,
      erasureMs,
      known,
      saved,
      save: file === undefined ? undefined : (audit) => writeState(file, audit),
      saveEveryMs: SAVE_EVERY_MS,
      witness: witnessOf(given, config, stop.signal),
      progress,
      signal: stop.signal,
    });
    progress.end();
    const seconds = (performance.now() - begun) / 1000;
    tell(verdict, { source, towerId, given, resumed: saved !== undefined, seconds });
    return verdict.found === 0;
  } finally {
    progress.end();
    await source.close();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, interrupted);
  }
}

function witnessOf({ headers, bitcoind }: Given, config: Config, signal: AbortSignal): VerifyOptions['witness'] {
  if (headers !== undefined) return (wanted) => headerWitness(createReadStream(headers, { signal }), wanted);
  if (bitcoind === undefined) return undefined;
  const rpc = new BitcoindRpc(config.bitcoind);
  // A bitcoind that does not answer would keep the process for as long as it is waited for.
  signal.addEventListener('abort', () => rpc.close());
  return () => bitcoindWitness(rpc);
}

interface About {
  readonly source: AuditSource;
  readonly towerId: TowerId;
  readonly given: Given;
  readonly resumed: boolean;
  readonly seconds: number;
}

function tell(verdict: Verdict, about: About): void {
  const { findings, found, counts, chain } = verdict;
  const { source, towerId, given, seconds } = about;
  const { user, system } = process.cpuUsage();
  const cpu = user + system;
  const { shards, ...totals } = counts as { shards: Record<string, unknown>[] };
  const fields = {
    ok: found === 0,
    tower: towerId,
    network: source.identity.network,
    ...totals,
    seconds: Math.round(10 * seconds) / 10,
    cpu_seconds: Math.round(cpu / 100_000) / 10,
  };
  const unchecked = notChecked(verdict, about);
  if (given.json) {
    printJson({ ...fields, found, findings, shards, chain: chain ?? null, not_checked: unchecked });
    return;
  }
  for (const { stream, position, what, why } of findings)
    process.stdout.write(`WRONG ${stream} ${position} (${what}): ${why}\n`);
  const unnamed = found - findings.length;
  if (unnamed > 0 && given.all)
    process.stdout.write(
      `and ${unnamed} more, which are not named: these are the first ${MOST_NAMED} that were found\n`,
    );
  else if (unnamed > 0) process.stdout.write(`and more: --all names up to ${MOST_NAMED}\n`);
  printFields(fields);
  for (const shard of shards) {
    process.stdout.write('\n');
    printFields(shard);
  }
  if (chain) {
    process.stdout.write('\n');
    printFields({ ...chain });
  }
  for (const text of unchecked) process.stdout.write(`\nnot checked: ${text}`);
  process.stdout.write('\n');
}

/** What this verdict says nothing about, and why. */
function notChecked({ found, findings, counts, chain }: Verdict, { source, given, resumed }: About): string[] {
  const shards = counts.shards as Record<string, number>[];
  const sum = (name: string) => shards.reduce((total, shard) => total + (shard[name] ?? 0), 0);
  const texts: string[] = [];
  if (found > 0 && !given.all) texts.push('what comes after the first thing that is wrong (--all)');
  if (given.tower === undefined) texts.push('whether this is the tower that you mean: give its id (--tower)');
  if (resumed) texts.push('again, what was found right before (--state)');
  const uncovered = sum('messages') - sum('signed_to');
  if (uncovered > 0) texts.push(`whether the tower stands by its last ${uncovered} messages: no head is over them yet`);
  if (!source.hasBlobs) texts.push('blobs, and what is signed over them: an archive has none');
  if (!source.hasPolicy) texts.push('whom invites and the operator let in: an archive does not have them');
  const unsigned = source.hasBlobs ? sum('user_signatures_without_blob') : 0;
  if (unsigned > 0) texts.push(`the users' signatures of ${unsigned} versions: they cover blobs, which are erased`);
  const notYet = sum('blobs_not_yet_erased');
  if (notYet > 0) texts.push(`whether ${notYet} blobs are erased whose time was over only just now`);
  if (!chain && findings.length === 0)
    texts.push(
      'whether the blocks and what was mined in them are true: nobody who knows the chain was asked (--bitcoind)',
    );
  if (chain && resumed) texts.push('whether what was said to be mined before then was: only what was read now');
  if (chain && chain.blocks_unknown > 0)
    texts.push(`${chain.blocks_unknown} blocks that whoever knows the chain does not know`);
  if (chain && chain.transactions_unread > 0)
    texts.push(
      `whether ${chain.transactions_unread} transactions are in their blocks: those could not be read (pruned, or headers alone)`,
    );
  if (source.shards > shards.length && found === 0) texts.push('some of the shards');
  return texts;
}
