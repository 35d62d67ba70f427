import { type Command, CommanderError } from 'commander';
import type { z } from 'zod';
import { TowerId } from '../events/ids.js';
import { Evidence, wrongWith } from '../events/proofs/appointment-proof.js';
import { inputName, readText } from './input.js';
import { printFields, printJson } from './print.js';

/** `argus client`: what a tower's client can do with what it keeps, without any tower. */
export function addClientCommands(program: Command): void {
  const client = program.command('client').description('for clients of a tower: verify what it gave them, offline');
  client
    .command('verify <file...>')
    .description('verify proofs as the client library gets them (- is stdin); nobody is asked')
    .requiredOption('--tower <id>', 'the id of the tower')
    .option('--json', 'one line of JSON for each file')
    .addHelpText(
      'after',
      '\nExample:\n  argus client verify --tower 0256cc1f... proof.json\nExit status: 0 all prove it, 1 not.',
    )
    .action((files: string[], _options, command: Command) => verify(files, command));
}

async function verify(files: readonly string[], command: Command): Promise<void> {
  const { tower, json = false } = command.opts<{ tower: string; json?: boolean }>();
  const towerId = TowerId.safeParse(tower);
  if (!towerId.success)
    throw new CommanderError(2, 'argus.argument', towerId.error.issues[0]?.message ?? 'not a tower id');
  for (const [i, file] of files.entries()) {
    const found = verdict(await readText(file), towerId.data);
    if (!found.ok) process.exitCode = 1;
    const fields = { file: inputName(file), ...found };
    if (json) printJson(fields);
    else {
      if (i > 0) process.stdout.write('\n');
      printFields(fields);
    }
  }
}

type Verdict = { readonly ok: boolean } & Readonly<Record<string, unknown>>;

function verdict(text: string, towerId: TowerId): Verdict {
  const evidence = readEvidence(text);
  if (!evidence) return { ok: false, why: 'this is no proof as the client library writes it' };
  const why = wrongWith(evidence, towerId);
  return why === undefined ? { ok: true, ...provenBy(evidence) } : { ok: false, why };
}

/** What is certain by a piece of evidence that proves it. */
function provenBy({ receipt, proof: { head, position }, older }: z.infer<typeof Evidence>) {
  return {
    locator: receipt.locator,
    start_block: receipt.startBlock,
    shard: head.shard,
    position,
    head_size: head.treeSize,
    head_height: head.height,
    head_block: head.blockHash,
    ...(older && { continues_size: older.treeSize }),
  };
}

function readEvidence(text: string): Evidence | undefined {
  try {
    return Evidence.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
